use csv_core::{ReadRecordResult, Reader};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The fields of one CSV record. Keeps its buffers from record to record.
#[derive(Debug)]
pub struct Cells {
    reader: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Cells {
    pub fn new() -> Self {
        Self {
            reader: Reader::new(),
            text: Vec::new(),
            ends: Vec::new(),
            count: 0,
        }
    }

    /// Takes a whole record, without its line end.
    pub fn parse(&mut self, raw: &[u8]) -> Result<(), String> {
        std::str::from_utf8(raw).map_err(|_| "the record is not valid UTF-8".to_owned())?;
        // The reader takes a mark at the beginning of any record for that of a file, and drops it.
        let doubled;
        let raw = match raw.starts_with(BYTE_ORDER_MARK) {
            true => {
                doubled = [BYTE_ORDER_MARK, raw].concat();
                &doubled
            }
            false => raw,
        };
        self.reader.reset();
        self.text.resize(raw.len() + 1, 0);
        let most = 2 + raw.iter().filter(|&&b| b == b',').count();
        self.ends.resize(most, 0);
        self.count = 0;
        let (mut read, mut written) = (0, 0);
        loop {
            let (result, taken, put, fields) = self.reader.read_record(
                &raw[read..],
                &mut self.text[written..],
                &mut self.ends[self.count..],
            );
            read += taken;
            written += put;
            self.count += fields;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record | ReadRecordResult::End if read == raw.len() => {
                    return Ok(());
                }
                _ => return Err("a carriage return stands outside quotes".to_owned()),
            }
        }
    }

    pub fn len(&self) -> usize {
        self.count
    }

    /// The field at `index`; empty where the record has none.
    pub fn get(&self, index: usize) -> &str {
        if index >= self.count {
            return "";
        }
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        // Cut from valid UTF-8 at commas and quotes.
        std::str::from_utf8(&self.text[start..self.ends[index]]).unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.count).map(|index| self.get(index))
    }

    /// Whether the record has as many fields as the header; further ones may be there when empty.
    pub fn fits(&self, header: usize) -> Result<(), String> {
        if self.count < header || self.iter().skip(header).any(|cell| !cell.is_empty()) {
            let count = self.count;
            return Err(format!(
                "the record has {count} fields, the header {header}"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_fields_of_a_record() {
        let mut cells = Cells::new();
        for (raw, wanted) in [
            ("a,\"b, \"\"c\"\"\r\nd\",", vec!["a", "b, \"c\"\r\nd", ""]),
            ("ä", vec!["ä"]),
            ("\u{feff}a,b", vec!["\u{feff}a", "b"]),
            (",", vec!["", ""]),
        ] {
            cells.parse(raw.as_bytes()).unwrap();
            assert_eq!(cells.iter().collect::<Vec<_>>(), wanted);
        }
        assert_eq!(cells.get(7), "");
        assert!(cells.fits(3).is_err());
        assert!(cells.fits(1).is_ok());
        cells.parse(b"a,b").unwrap();
        assert!(cells.fits(1).is_err());
    }

    #[test]
    fn refuses_what_is_no_record() {
        let mut cells = Cells::new();
        assert!(cells.parse(b"a\xff").is_err());
        assert!(cells.parse(b"a\rb").is_err());
        assert!(cells.parse(b"good").is_ok());
    }
}
