use super::history::{self, History};
use super::script::{Archive, Part};

/// What is in an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    pub tables: u64,
    pub rows: u64,
    /// Of the rows, as text.
    pub bytes: u64,
    pub history: History,
}

impl Contents {
    /// Reads all of it, so that what is damaged is found before anything is touched.
    pub async fn read(archive: &Archive) -> anyhow::Result<Self> {
        let mut contents = Self::default();
        let mut script = archive.rows()?;
        let mut rows = Vec::new();
        while let Some(part) = script.next().await? {
            let Part::Copy(copy) = part else { continue };
            contents.tables += 1;
            let columns = columns_of_history(&copy);
            let mut more = true;
            while more {
                rows.clear();
                more = script.rows(&mut rows).await?;
                contents.bytes += rows.len() as u64;
                for row in rows.split_inclusive(|byte| *byte == b'\n') {
                    contents.rows += 1;
                    let migration = columns.and_then(|columns| migration(columns, row));
                    if let Some((version, checksum)) = migration {
                        contents.history.add(version, checksum);
                    }
                }
            }
        }
        script.end().await?;
        Ok(contents)
    }
}

/// The places of `version` and `checksum`; `None` for another table.
fn columns_of_history(copy: &str) -> Option<[usize; 2]> {
    let (table, columns) = copy.strip_prefix("COPY ")?.split_once(" (")?;
    let (columns, _) = columns.split_once(") FROM ")?;
    let place = |name| columns.split(", ").position(|column| column == name);
    let name = table.rsplit('.').next()?;
    (name == history::TABLE).then_some([place("version")?, place("checksum")?])
}

fn migration([version, checksum]: [usize; 2], row: &[u8]) -> Option<(i64, String)> {
    let row = str::from_utf8(row).ok()?;
    let fields: Vec<&str> = row.trim_end().split('\t').collect();
    // `\x00ff`, its backslash escaped.
    let checksum = fields.get(checksum)?.strip_prefix(r"\\x")?;
    Some((fields.get(version)?.parse().ok()?, checksum.to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_read_from_its_rows() {
        let copy = "COPY public._sqlx_migrations (version, description, checksum) FROM stdin;";
        let columns = columns_of_history(copy).unwrap();
        let row = b"7\ta cart\t\\\\x00ff\n";
        assert_eq!(migration(columns, row), Some((7, "00ff".to_owned())));
        let other = "COPY public.orders (version, checksum) FROM stdin;";
        assert_eq!(columns_of_history(other), None);
    }
}
