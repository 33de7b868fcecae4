use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::catalogue::{Column, columns};

/// A column in which something was found.
pub struct Place {
    pub table: String,
    pub column: String,
    pub rows: i64,
}

/// What a search of one database came to.
pub struct Found {
    pub tables: usize,
    pub columns: usize,
    pub places: Vec<Place>,
}

/// Counts the rows that match, reading each table once. Nothing but counts leaves the database.
pub async fn search(db: &mut PgConnection, pattern: &str) -> Result<Found, sqlx::Error> {
    let columns = columns(db).await?;
    let mut found = Found {
        tables: 0,
        columns: columns.len(),
        places: Vec::new(),
    };
    for table in columns.chunk_by(|one, other| one.from == other.from) {
        found.tables += 1;
        found.places.extend(search_table(db, table, pattern).await?);
    }
    Ok(found)
}

async fn search_table(
    db: &mut PgConnection,
    columns: &[Column],
    pattern: &str,
) -> Result<Vec<Place>, sqlx::Error> {
    let counts = columns.iter().map(|column| {
        let text = &column.text;
        format!("count(*) filter (where {text} ~ $1)")
    });
    let counts = counts.collect::<Vec<_>>().join(", ");
    let from = &columns[0].from;
    // Made of names that the catalogue has quoted.
    let count = format!("select {counts} from {from}");
    let counted = sqlx::query(AssertSqlSafe(count)).bind(pattern);
    let counted = counted.fetch_one(db).await?;
    let mut places = Vec::new();
    for (position, column) in columns.iter().enumerate() {
        let rows: i64 = counted.try_get(position)?;
        if rows > 0 {
            places.push(Place {
                table: column.table.clone(),
                column: column.column.clone(),
                rows,
            });
        }
    }
    Ok(places)
}
