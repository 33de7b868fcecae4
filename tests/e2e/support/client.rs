use reqwest::{Certificate, Client};

/// Of plain HTTP only: to read this machine's certificates would cost each test more than its
/// requests do.
pub fn client() -> Client {
    let nobody: [Certificate; 0] = [];
    let client = Client::builder().no_proxy().tls_certs_only(nobody);
    client.build().unwrap()
}
