//! Stands between two processes and breaks what it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    Pass,
    /// Nobody listens.
    Refuse,
    /// Every connection is reset.
    Reset,
    /// Every answer comes this much later.
    Delay(Duration),
    /// Connections are taken, and nothing is ever said.
    Hang,
    /// The end of the connection after so many bytes of the answer.
    Truncate(usize),
    /// A reset after so many bytes of the answer: with 0 the peer has worked, and nobody hears.
    ResetAfter(usize),
    /// Something that is no HTTP.
    Garbage,
    /// The words of a proxy that finds nobody behind it.
    BadGateway,
    /// A connection that has answered once is reset when it is used again.
    OneAnswer,
}

/// Requests that were seen, by their first line; and answers that are to be lost.
#[derive(Default)]
struct Book {
    seen: Vec<String>,
    to_lose: Option<(&'static str, usize)>,
}

const BAD_GATEWAY: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\n\
content-length: 20\r\nconnection: close\r\n\r\n<h1>Bad Gateway</h1>";

pub struct Proxy {
    pub address: SocketAddr,
    mode: watch::Sender<Mode>,
    book: Arc<Mutex<Book>>,
}

impl Proxy {
    pub fn to(upstream: SocketAddr) -> Self {
        let listener = listen(([127, 0, 0, 1], 0).into());
        let address = listener.local_addr().unwrap();
        let (mode, changes) = watch::channel(Mode::Pass);
        let book = Arc::default();
        tokio::spawn(accept(listener, upstream, changes, Arc::clone(&book)));
        Self {
            address,
            mode,
            book,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on; connections that are there are reset.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// The next `count` answers to requests with this in their first line are lost.
    pub fn lose(&self, path: &'static str, count: usize) {
        self.book.lock().unwrap().to_lose = Some((path, count));
    }

    pub fn is_losing(&self) -> bool {
        let book = self.book.lock().unwrap();
        book.to_lose.is_some_and(|(_, left)| left > 0)
    }

    /// Requests with this in their first line, such as `POST /internal/products/v1/reserve`.
    pub fn seen(&self, part: &str) -> usize {
        let book = self.book.lock().unwrap();
        book.seen.iter().filter(|line| line.contains(part)).count()
    }
}

fn listen(address: SocketAddr) -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket.listen(2048).unwrap()
}

async fn accept(
    listener: TcpListener,
    upstream: SocketAddr,
    mut changes: watch::Receiver<Mode>,
    book: Arc<Mutex<Book>>,
) {
    let address = listener.local_addr().unwrap();
    let mut listener = Some(listener);
    loop {
        let mode = *changes.borrow_and_update();
        if mode == Mode::Refuse {
            listener = None;
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        }
        let accepting = listener.get_or_insert_with(|| listen(address));
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            accepted = accepting.accept() => {
                let Ok((client, _)) = accepted else { continue };
                let (mut over, book) = (changes.clone(), Arc::clone(&book));
                tokio::spawn(async move {
                    // Dropped without a linger: the client sees a reset.
                    client.set_zero_linger().unwrap();
                    tokio::select! {
                        _ = over.changed() => {}
                        _ = serve(client, upstream, mode, &book) => {}
                    }
                });
            }
        }
    }
}

async fn serve(
    mut client: TcpStream,
    upstream: SocketAddr,
    mode: Mode,
    book: &Mutex<Book>,
) -> std::io::Result<()> {
    let mut piece = vec![0; 64 << 10];
    match mode {
        Mode::Reset | Mode::Refuse => return Ok(()),
        Mode::Hang => return std::future::pending().await,
        Mode::BadGateway => {
            let _ = client.read(&mut piece).await?;
            client.write_all(BAD_GATEWAY).await?;
            socket_lingers(&client);
            return client.shutdown().await;
        }
        Mode::Garbage => {
            let _ = client.read(&mut piece).await?;
            client
                .write_all(b"\x16\x03\x01 not a word of HTTP\r\n\r\n")
                .await?;
            return client.shutdown().await;
        }
        _ => {}
    }
    let mut upstream = TcpStream::connect(upstream).await?;
    let (mut answer, mut sent, mut lose) = (vec![0; 64 << 10], 0, false);
    loop {
        tokio::select! {
            read = client.read(&mut piece) => {
                let read = read?;
                if read == 0 || (mode == Mode::OneAnswer && sent > 0) {
                    return Ok(());
                }
                lose |= note(book, &piece[..read]);
                upstream.write_all(&piece[..read]).await?;
            }
            read = upstream.read(&mut answer) => {
                let read = read?;
                if read == 0 {
                    return client.shutdown().await;
                }
                if lose {
                    return Ok(());
                }
                let most = match mode {
                    Mode::Truncate(most) | Mode::ResetAfter(most) => most - sent,
                    _ => read,
                };
                if let Mode::Delay(pause) = mode {
                    tokio::time::sleep(pause).await;
                }
                client.write_all(&answer[..read.min(most)]).await?;
                sent += read.min(most);
                match mode {
                    Mode::Truncate(_) if most <= read => {
                        // What was written arrives before the end does.
                        socket_lingers(&client);
                        return client.shutdown().await;
                    }
                    Mode::ResetAfter(_) if most <= read => return Ok(()),
                    _ => {}
                }
            }
        }
    }
}

#[allow(deprecated, reason = "without a duration it blocks nobody")]
fn socket_lingers(client: &TcpStream) {
    client.set_linger(None).unwrap();
}

/// Whether the answer to this piece is to be lost.
fn note(book: &Mutex<Book>, piece: &[u8]) -> bool {
    let head = String::from_utf8_lossy(piece);
    let line = head.lines().next().unwrap_or_default();
    if !line.ends_with("HTTP/1.1") {
        return false;
    }
    let mut book = book.lock().unwrap();
    book.seen.push(line.to_owned());
    match &mut book.to_lose {
        Some((path, left)) if *left > 0 && line.contains(*path) => {
            *left -= 1;
            true
        }
        _ => false,
    }
}
