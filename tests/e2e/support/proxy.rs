use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// A network between two processes, which can be cut.
pub struct Proxy {
    pub address: SocketAddr,
    passing: AbortHandle,
}

impl Proxy {
    /// Passes on what comes to whoever listens at `target`, now or later.
    pub fn before(target: SocketAddr) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let passing = tokio::spawn(pass(listener, target)).abort_handle();
        Self { address, passing }
    }

    /// Ends the connections, and refuses those to come.
    pub fn cut(&self) {
        self.passing.abort();
    }
}

async fn pass(listener: TcpListener, target: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((mut caller, _)) = listener.accept().await {
        connections.spawn(async move {
            if let Ok(mut called) = TcpStream::connect(target).await {
                let _ = copy_bidirectional(&mut caller, &mut called).await;
            }
        });
    }
}
