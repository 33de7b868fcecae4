use std::io;
use std::ops::Range;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest record that is taken, in bytes.
pub const MAX_RECORD: usize = 1 << 20;

const READ: usize = 64 * 1024;

/// How many bytes may be scanned again after broken records, besides as many as the stream has.
const MAX_RESCANNED: u64 = 16 << 20;

/// How a file is divided into records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Division {
    /// A record per physical line.
    Lines,
    /// RFC 4180: a quoted field may hold line breaks.
    Csv,
}

/// Cuts a stream into records and knows on which physical line each starts. Holds one record.
#[derive(Debug)]
pub struct Records<R> {
    reader: R,
    division: Division,
    buffer: Vec<u8>,
    /// Where the unread part of the buffer starts, and the line that it starts.
    start: usize,
    line: u64,
    bytes: u64,
    rescanned: u64,
    current: Range<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// [`Records::raw`] has it.
    Record {
        line: u64,
    },
    /// No record can be made of what starts here; reading goes on at the next physical line.
    Broken {
        line: u64,
        message: &'static str,
    },
    /// So much had to be scanned again after broken records that reading on from this line would
    /// take time out of proportion to the stream.
    Lost {
        line: u64,
    },
    End,
}

enum Found {
    End(usize),
    Broken {
        message: &'static str,
        scanned: usize,
    },
    Nothing,
}

impl<R: AsyncRead + Unpin> Records<R> {
    pub fn new(reader: R, division: Division) -> Self {
        Self {
            reader,
            division,
            buffer: Vec::new(),
            start: 0,
            line: 1,
            bytes: 0,
            rescanned: 0,
            current: 0..0,
        }
    }

    /// Bytes taken from the stream.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The record that [`Records::next`] found, without its line end.
    pub fn raw(&self) -> &[u8] {
        &self.buffer[self.current.clone()]
    }

    /// The next record that is not blank.
    pub async fn next(&mut self) -> io::Result<Next> {
        self.skip_byte_order_mark().await?;
        loop {
            let line = self.line;
            if self.rescanned > self.bytes + MAX_RESCANNED {
                return Ok(Next::Lost { line });
            }
            match self.find_end().await? {
                Found::End(length) => {
                    self.take(length);
                    if !self.is_blank() {
                        return Ok(Next::Record { line });
                    }
                }
                Found::Broken { message, scanned } => {
                    let skipped = self.skip_line().await?;
                    self.rescanned += scanned.saturating_sub(skipped) as u64;
                    // Nothing else need wait while a buffer full of these is read.
                    tokio::task::yield_now().await;
                    return Ok(Next::Broken { line, message });
                }
                Found::Nothing => return Ok(Next::End),
            }
        }
    }

    async fn find_end(&mut self) -> io::Result<Found> {
        let mut scan = Scan::new(self.division);
        let mut scanned = 0;
        loop {
            let end = scan.find_end(&self.buffer[self.start + scanned..]);
            let length = end.map_or(self.buffer.len() - self.start, |end| scanned + end);
            if length > MAX_RECORD {
                let message = match scan.in_quotes() {
                    true => "a quoted field is not closed within 1 MiB",
                    false => "the record is longer than 1 MiB",
                };
                let scanned = length;
                return Ok(Found::Broken { message, scanned });
            }
            if end.is_some() {
                return Ok(Found::End(length));
            }
            scanned = length;
            if !self.fill().await? {
                return Ok(match scanned {
                    0 => Found::Nothing,
                    _ if scan.in_quotes() => Found::Broken {
                        message: "a quoted field is not closed",
                        scanned,
                    },
                    _ => Found::End(scanned),
                });
            }
        }
    }

    /// Reads on; `false` at the end of the stream.
    async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.current = 0..0;
        self.buffer.reserve(READ);
        // A reader that always has more must not keep the thread to itself.
        tokio::task::yield_now().await;
        let read = self.reader.read_buf(&mut self.buffer).await?;
        self.bytes += read as u64;
        Ok(read > 0)
    }

    fn take(&mut self, length: usize) {
        let end = self.start + length;
        let raw = &self.buffer[self.start..end];
        self.line += 1 + raw.iter().filter(|&&b| b == b'\n').count() as u64;
        let without_cr = raw.strip_suffix(b"\r").unwrap_or(raw).len();
        self.current = self.start..self.start + without_cr;
        self.start = (end + 1).min(self.buffer.len());
    }

    fn is_blank(&self) -> bool {
        match self.division {
            Division::Lines => self.raw().trim_ascii().is_empty(),
            Division::Csv => self.raw().is_empty(),
        }
    }

    /// Answers how many bytes it passed over.
    async fn skip_line(&mut self) -> io::Result<usize> {
        let mut skipped = 0;
        loop {
            let unread = &self.buffer[self.start..];
            if let Some(end) = unread.iter().position(|&b| b == b'\n') {
                self.start += end + 1;
                self.line += 1;
                return Ok(skipped + end + 1);
            }
            skipped += unread.len();
            self.start = self.buffer.len();
            if !self.fill().await? {
                return Ok(skipped);
            }
        }
    }

    async fn skip_byte_order_mark(&mut self) -> io::Result<()> {
        const MARK: &[u8] = b"\xEF\xBB\xBF";
        if self.line > 1 || self.start > 0 {
            return Ok(());
        }
        while self.buffer.len() < MARK.len() && MARK.starts_with(&self.buffer) {
            if !self.fill().await? {
                break;
            }
        }
        if self.buffer.starts_with(MARK) {
            self.start = MARK.len();
        }
        Ok(())
    }
}

/// Follows the quotes of a CSV record, as csv-core does, to find the line break that ends it.
struct Scan {
    division: Division,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote within quotes: the field's end, or the first half of an escaped quote.
    QuoteSeen,
}

impl Scan {
    fn new(division: Division) -> Self {
        Self {
            division,
            state: State::FieldStart,
        }
    }

    fn in_quotes(&self) -> bool {
        self.state == State::Quoted
    }

    fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.division == Division::Lines {
            return bytes.iter().position(|&b| b == b'\n');
        }
        for (at, byte) in bytes.iter().enumerate() {
            self.state = match (self.state, byte) {
                (State::Quoted, b'"') => State::QuoteSeen,
                (State::Quoted, _) => State::Quoted,
                (_, b'\n') => return Some(at),
                (_, b',') => State::FieldStart,
                (State::FieldStart | State::QuoteSeen, b'"') => State::Quoted,
                _ => State::Plain,
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn cut(division: Division, text: &[u8]) -> Vec<(u64, String)> {
        let mut records = Records::new(text, division);
        let mut found = Vec::new();
        loop {
            match records.next().await.unwrap() {
                Next::Record { line } => {
                    found.push((line, String::from_utf8_lossy(records.raw()).into_owned()));
                }
                Next::Broken { line, message } => found.push((line, format!("! {message}"))),
                Next::Lost { line } => panic!("lost in line {line}"),
                Next::End => return found,
            }
        }
    }

    fn expect(found: Vec<(u64, String)>, wanted: &[(u64, &str)]) {
        let found: Vec<_> = found.iter().map(|(l, r)| (*l, r.as_str())).collect();
        assert_eq!(found, wanted);
    }

    #[tokio::test]
    async fn counts_physical_lines() {
        let lines = b"\xEF\xBB\xBF{}\r\n\r\n \t\n{1}\n{2}";
        expect(
            cut(Division::Lines, lines).await,
            &[(1, "{}"), (4, "{1}"), (5, "{2}")],
        );
        let csv = b"\xEF\xBB\xBFa,b\r\n\r\n1,\"x\r\n\"\"y\"\"\n\"\r\n2,a\"b\n\n3,\"\"\n";
        expect(
            cut(Division::Csv, csv).await,
            &[
                (1, "a,b"),
                (3, "1,\"x\r\n\"\"y\"\"\n\""),
                (6, "2,a\"b"),
                (8, "3,\"\""),
            ],
        );
        expect(cut(Division::Csv, b"").await, &[]);
        expect(cut(Division::Lines, b"\n\n").await, &[]);
    }

    #[tokio::test]
    async fn goes_on_after_a_quote_that_is_never_closed() {
        expect(
            cut(Division::Csv, b"a\n\"b\nc\nd").await,
            &[
                (1, "a"),
                (2, "! a quoted field is not closed"),
                (3, "c"),
                (4, "d"),
            ],
        );
    }

    #[tokio::test]
    async fn goes_on_after_a_record_that_is_too_long() {
        let long = "x".repeat(MAX_RECORD + 1);
        let most = "y".repeat(MAX_RECORD);
        let text = format!("a\n{long}\nb\n{most}\n");
        for division in [Division::Lines, Division::Csv] {
            expect(
                cut(division, text.as_bytes()).await,
                &[
                    (1, "a"),
                    (2, "! the record is longer than 1 MiB"),
                    (3, "b"),
                    (4, &most),
                ],
            );
        }
        let unclosed = format!(
            "a\n\"{long}\nb\n{}",
            format!("{}\n", "c".repeat(1023)).repeat(1024)
        );
        let found = cut(Division::Csv, unclosed.as_bytes()).await;
        assert_eq!(found[1].0, 2);
        assert_eq!(found[2], (3, "b".to_owned()));
        assert_eq!(found.len(), 3 + 1024);
    }

    #[tokio::test]
    async fn stops_where_every_line_would_be_scanned_to_the_limit_again() {
        for (lines, most) in [(400_000, 40), (100_000, 60)] {
            let text = format!("a,b\n{}", "\"x\",\"\n".repeat(lines));
            let mut records = Records::new(text.as_bytes(), Division::Csv);
            let mut turns = 0;
            let line = loop {
                turns += 1;
                assert!(turns < most, "goes on and on");
                if let Next::Lost { line } = records.next().await.unwrap() {
                    break line;
                }
            };
            assert_eq!(line, turns);
        }
    }

    #[tokio::test]
    async fn many_broken_records_do_not_stop_what_is_read_in_proportion() {
        let long = format!("\"{}\n", "x".repeat(MAX_RECORD));
        let text = format!("a\n{}b\n", long.repeat(40));
        let found = cut(Division::Csv, text.as_bytes()).await;
        assert_eq!(found.len(), 42);
        assert_eq!(found[41], (42, "b".to_owned()));
    }

    #[tokio::test]
    async fn lets_others_run_after_a_broken_record() {
        use futures_util::FutureExt;

        let text = format!("a\n{}", "\"x\",\"\n".repeat(250_000));
        let mut records = Records::new(text.as_bytes(), Division::Csv);
        for _ in 0..3 {
            records.next().await.unwrap();
        }
        assert!(records.buffer.len() > MAX_RECORD);
        assert!(records.next().now_or_never().is_none());
    }

    /// However the stream is cut into reads and whatever the quotes do, records and lines agree
    /// with those of the csv crate.
    #[tokio::test]
    async fn agrees_with_the_csv_crate() {
        let alphabet = [b'a', b'"', b'"', b',', b'\n', b'b'];
        for _ in 0..20_000 {
            let length = rand::random_range(0..24);
            let text: Vec<u8> = (0..length)
                .map(|_| alphabet[rand::random_range(0..alphabet.len())])
                .collect();
            let found = cut(Division::Csv, &text).await;
            if found.iter().any(|(_, raw)| raw.starts_with('!')) {
                continue;
            }
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(text.as_slice());
            let wanted: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            let mut cells = super::super::cells::Cells::new();
            let parsed: Vec<csv::StringRecord> = found
                .iter()
                .map(|(_, raw)| {
                    cells.parse(raw.as_bytes()).unwrap();
                    cells.iter().collect()
                })
                .collect();
            assert_eq!(parsed, wanted, "{:?}", String::from_utf8_lossy(&text));
        }
    }
}
