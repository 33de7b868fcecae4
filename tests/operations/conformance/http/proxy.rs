use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use ports::Products;
use tokio::io::{AsyncReadExt, copy};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::conformance::bench::{Server, World};
use crate::conformance::products::{Basket, FakeProducts, PRICE, ProductsWorld};

/// Cuts this many connections when the answer comes, and passes the others on. How many it cut.
async fn cutting(answers: usize, peer: SocketAddr) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let cut = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&cut);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut peer = TcpStream::connect(peer).await.unwrap();
                let (mut from_client, mut to_client) = client.split();
                let (mut from_peer, mut to_peer) = peer.split();
                let there = copy(&mut from_client, &mut to_peer);
                let back = async {
                    if count.load(Ordering::Relaxed) < answers {
                        let _ = from_peer.read(&mut [0]).await;
                        count.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    let _ = copy(&mut from_peer, &mut to_client).await;
                };
                tokio::select! {
                    _ = there => {}
                    () = back => {}
                }
            });
        }
    });
    (url, cut)
}

/// The module has done what it was asked, and the caller does not know.
#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for_again_with_one_effect() {
    let world = Arc::<FakeProducts>::open().await;
    let sofa = world.product("Sofa", PRICE, 5).await;
    let server = Server::start(world.port());
    // Not configured to repeat anything: what is idempotent is asked after once more.
    let config = PeerConfig {
        call_retries: 0,
        ..PATIENT
    };
    let basket = Basket::of(&[(sofa, 5)]);
    let (url, cut) = cutting(1, server.address).await;
    let products: Arc<dyn Products> = remote(&url, config.clone());
    let cx = || crate::conformance::bench::cx();
    let reservation = products.reserve(cx(), basket.request()).await.unwrap();
    assert_eq!(reservation.lines[0].quantity, 5);
    assert_eq!(cut.load(Ordering::Relaxed), 1);
    assert_eq!(world.stock(sofa).await, (5, 5));

    let (url, cut) = cutting(1, server.address).await;
    let products: Arc<dyn Products> = remote(&url, config);
    assert_eq!(products.handle(cx(), basket.cancelled()).await, Ok(()));
    assert_eq!(cut.load(Ordering::Relaxed), 1);
    assert_eq!(world.stock(sofa).await, (5, 0));
    server.stop().await;
}
