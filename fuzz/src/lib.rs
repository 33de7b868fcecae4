//! The targets, and what they share. There only with `--cfg fuzzing`, which `scripts/fuzz` gives.
#![cfg(fuzzing)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod targets;

use std::cell::LazyCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: LazyCell<Runtime> =
        LazyCell::new(|| Builder::new_current_thread().build().unwrap());
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(work))
}

/// The pieces that bytes come in, cut as `how` says.
pub fn pieces(bytes: &[u8], how: u8) -> Vec<&[u8]> {
    let (mut rest, mut pieces, mut turn) = (bytes, Vec::new(), usize::from(how));
    while !rest.is_empty() {
        turn = (turn * 5 + 3) % 256;
        let (piece, after) = rest.split_at((turn % 13 + 1).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Gives a piece for each time it is read.
pub struct Pieces<'a>(pub std::vec::IntoIter<&'a [u8]>);

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if let Some(piece) = self.0.next() {
            buffer.put_slice(piece);
        }
        Poll::Ready(Ok(()))
    }
}

/// The first bytes, as choices, and what comes after them.
pub fn choices<const N: usize>(data: &[u8]) -> Option<([u8; N], &[u8])> {
    let (first, rest) = data.split_first_chunk::<N>()?;
    Some((*first, rest))
}
