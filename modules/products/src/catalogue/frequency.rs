//! How frequent words are, by the statistics that Postgres keeps of a column.

use std::collections::BTreeMap;

use sqlx::PgConnection;

/// A part of the products, in millionths.
pub(super) type Share = i64;

pub(super) const ALL: Share = 1_000_000;
/// Of a word that nothing is known of, as Postgres has it.
const UNKNOWN: Share = 5_000;

/// The shares of the most frequent lexemes, and how many products there are; nothing before the
/// statistics are made for the first time.
#[derive(Debug, Default)]
pub(super) struct Frequencies {
    pub(super) products: i64,
    shares: BTreeMap<String, Share>,
}

impl Frequencies {
    pub(super) async fn read(db: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let row = sqlx::query!(
            r#"
            select greatest(c.reltuples, 0)::bigint as "products!",
                s.most_common_elems::text::text[] as lexemes,
                array(
                    select (share * 1000000)::bigint from unnest(s.most_common_elem_freqs) share
                ) as "shares!"
            from pg_class c left join pg_stats s
                on s.schemaname = c.relnamespace::regnamespace::text
                and s.tablename = c.relname and s.attname = 'search'
            where c.oid = 'products'::regclass
            "#
        )
        .fetch_one(db)
        .await?;
        let lexemes = row.lexemes.unwrap_or_default().into_iter();
        Ok(Self {
            products: row.products,
            // Some numbers of another meaning follow those of the lexemes.
            shares: lexemes.zip(row.shares).collect(),
        })
    }

    /// Of products that have the lexeme, or one that begins with it.
    pub(super) fn share(&self, lexeme: &str, goes_on: bool) -> Share {
        let rest = self.shares.range(lexeme.to_owned()..);
        let known = rest.take_while(|(other, _)| match goes_on {
            true => other.starts_with(lexeme),
            false => *other == lexeme,
        });
        let known: Share = known.map(|(_, share)| share).sum();
        match known {
            0 => self.of_rare(),
            known => known.min(ALL),
        }
    }

    /// Those that are missing are less frequent than all others.
    fn of_rare(&self) -> Share {
        let lowest = self.shares.values().min();
        lowest.map_or(UNKNOWN, |lowest| UNKNOWN.min(lowest / 2))
    }

    /// How many products that is.
    pub(super) fn products(&self, share: Share) -> i64 {
        self.products.saturating_mul(share) / ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_begin_alike_add_up() {
        let shares = [("=lam", 5_000), ("=lamp", 300_000), ("=lampshade", 20_000)];
        let shares = shares.map(|(lexeme, share)| (lexeme.to_owned(), share));
        let known = Frequencies {
            products: 2_000_000,
            shares: shares.into(),
        };
        assert_eq!(known.share("=lamp", false), 300_000);
        assert_eq!(known.share("=lamp", true), 320_000);
        assert_eq!(known.share("=la", false), 2_500);
        assert_eq!(known.share("=m", true), 2_500);
        assert_eq!(known.products(320_000), 640_000);
        assert_eq!(Frequencies::default().share("=lamp", true), UNKNOWN);
    }
}
