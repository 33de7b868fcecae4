//! Whether what is looked for is sooner met in a list's order or fetched by an index.

use super::search::SOON_FETCHED;

/// How many products there are.
#[derive(Debug)]
pub(super) struct Estimate {
    /// In the walk.
    walked: i64,
    /// That an index finds, if not all of them match.
    found: i64,
    matching: i64,
}

impl Estimate {
    /// How many times the rows are looked at that hold what is wanted when matches lie evenly.
    const MARGIN: i64 = 4;
    /// Beyond this part of what an index finds, the list's order has little to do with what is
    /// looked for, and to look at the next rows costs as much as to fetch all.
    const WORTHWHILE: i64 = 8;

    /// From a plan that appends those that pass the filters, those in the walk, and all; and from
    /// how many have the words.
    pub(super) fn of(plan: &serde_json::Value, words: Option<i64>) -> Self {
        let rows = |nth: usize| plan[0]["Plan"]["Plans"][nth]["Plan Rows"].as_i64();
        let [passing, walked, all] = [0, 1, 2].map(|nth| rows(nth).unwrap_or_default());
        let found = words.unwrap_or(passing);
        let matching = match words {
            Some(words) => passing.saturating_mul(words) / all.max(1),
            None => passing,
        };
        Self {
            walked,
            found,
            matching,
        }
    }

    pub(super) fn nearby(&self, wanted: i64) -> Vec<i64> {
        if self.found <= SOON_FETCHED {
            return Vec::new();
        }
        let near = Self::MARGIN * wanted * self.walked / self.matching.max(1);
        let farther = Some(self.found / Self::WORTHWHILE).filter(|rows| *rows > 2 * near);
        let near = Some(near).filter(|near| 2 * near <= self.found);
        near.into_iter().chain(farther).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_frequent_is_looked_for_nearby() {
        let within = |walked: i64, passing: i64, words| {
            let plan = serde_json::json!([{ "Plan": { "Plans": [
                { "Plan Rows": passing }, { "Plan Rows": walked }, { "Plan Rows": 1_000_000 },
            ] } }]);
            Estimate::of(&plan, words).nearby(21)
        };
        let nearby = |passing: i64, words| within(1_000_000, passing, words);
        assert!(nearby(10_000, None).is_empty());
        assert!(nearby(12_000, None).is_empty());
        assert_eq!(nearby(16_000, None), [5250]);
        assert_eq!(nearby(100_000, None), [840, 12_500]);
        assert_eq!(nearby(1_000_000, None), [84, 125_000]);
        assert_eq!(nearby(500_000, Some(200_000)), [840, 25_000]);
        // Few of many that have the words.
        assert_eq!(nearby(100_000, Some(100_000)), [8400]);
        assert!(nearby(10_000, Some(100_000)).is_empty());
        assert!(nearby(0, Some(100_000)).is_empty());
        // In a category with a tenth of all.
        assert_eq!(within(100_000, 100_000, Some(200_000)), [420, 25_000]);
        let unexpected = serde_json::json!([]);
        assert!(Estimate::of(&unexpected, None).nearby(21).is_empty());
    }
}
