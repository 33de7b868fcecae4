//! Reading a file without landing it.

use iso_currency::Currency;
use tokio::io::AsyncRead;

use super::land::Chunk;
use super::parser::Parser;
use super::records::{Next, Records};
use super::{Entry, Format};

/// What each record asks for, or what is wrong with it, by the line on which it starts.
pub type Told = Vec<(u64, Result<Vec<Entry>, String>)>;

pub async fn import<R: AsyncRead + Unpin>(format: Format, reader: R) -> Result<Told, String> {
    let mut records = Records::new(reader, format.division());
    let opened = Parser::open(format, Currency::EUR, &mut records).await;
    let mut parser = opened
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;
    let (mut told, mut chunk) = (Told::new(), Chunk::default());
    loop {
        let next = records.next().await.map_err(|error| error.to_string())?;
        let (line, read) = match next {
            Next::Record { line } => (line, parser.read(records.raw())),
            Next::Broken { line, message } => (line, Err(message.to_owned())),
            Next::Lost { .. } | Next::End => return Ok(told),
        };
        chunk.add(line, records.raw().len(), read.clone());
        told.push((line, read));
    }
}
