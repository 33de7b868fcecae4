//! How long something took lately, for the price of a counter.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A summary looks back over the window that is under way and the one before.
const WINDOW: Duration = Duration::from_secs(60);
/// Each power of two is cut into so many buckets, so that a quantile is at most an eighth off.
const PARTS: u64 = 4;
const PARTS_LOG2: u32 = PARTS.ilog2();
/// Up to two minutes, in microseconds; whatever takes longer is counted there.
const BUCKETS: usize = 104;

/// Counts in buckets whose width grows with the time (as HdrHistogram's do), in two windows that
/// take turns. Whoever records while a window is emptied may be forgotten.
pub(super) struct Times {
    born: Instant,
    /// The number of the window under way, counted from `born`.
    window: AtomicU64,
    counts: [[AtomicU32; BUCKETS]; 2],
}

impl Times {
    pub(super) fn new(born: Instant) -> Self {
        Self {
            born,
            window: AtomicU64::new(0),
            counts: [const { [const { AtomicU32::new(0) }; BUCKETS] }; 2],
        }
    }

    /// `now` is when it was over.
    pub(super) fn record(&self, now: Instant, took: Duration) {
        let window = self.turn(now);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let counts = &self.counts[place(window)];
        counts[bucket(micros)].fetch_add(1, Ordering::Relaxed);
    }

    /// The time within which so many of a hundred were; `None` when there was nothing lately.
    pub(super) fn quantiles<const N: usize>(
        &self,
        now: Instant,
        percents: [u64; N],
    ) -> [Option<Duration>; N] {
        self.turn(now);
        let [one, other] = &self.counts;
        let counts: Vec<u64> = one
            .iter()
            .zip(other)
            .map(|(one, other)| {
                let counts = [one, other].map(|count| count.load(Ordering::Relaxed));
                counts.into_iter().map(u64::from).sum()
            })
            .collect();
        let total: u64 = counts.iter().sum();
        percents.map(|percent| {
            let rank = (total * percent).div_ceil(100).max(1);
            let mut seen = 0;
            let reached = counts.iter().position(|count| {
                seen += count;
                seen >= rank
            });
            Some(Duration::from_micros(middle(reached?)))
        })
    }

    /// The window of this moment, which whoever comes to it first empties.
    fn turn(&self, now: Instant) -> u64 {
        let due = now.duration_since(self.born).as_secs() / WINDOW.as_secs();
        if self.window.load(Ordering::Relaxed) >= due {
            return due;
        }
        let was = self.window.fetch_max(due, Ordering::Relaxed);
        // After a pause of more than a window both are old.
        for window in (was + 1..=due).rev().take(self.counts.len()) {
            for count in &self.counts[place(window)] {
                count.store(0, Ordering::Relaxed);
            }
        }
        due
    }
}

fn place(window: u64) -> usize {
    usize::from(!window.is_multiple_of(2))
}

/// Below [`PARTS`] each microsecond has its own; from there on each power of two has [`PARTS`].
fn bucket(micros: u64) -> usize {
    let bucket = match micros.checked_ilog2() {
        Some(power) if power >= PARTS_LOG2 => {
            let part = (micros >> (power - PARTS_LOG2)) % PARTS;
            u64::from(power - PARTS_LOG2 + 1) * PARTS + part
        }
        _ => micros,
    };
    usize::try_from(bucket).map_or(BUCKETS - 1, |bucket| bucket.min(BUCKETS - 1))
}

/// In microseconds.
fn middle(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    match (bucket / PARTS).checked_sub(1) {
        Some(doublings) => {
            let lowest = (PARTS + bucket % PARTS) << doublings;
            lowest + (1 << doublings) / 2
        }
        None => bucket,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn after(born: Instant, seconds: u64) -> Instant {
        born + Duration::from_secs(seconds)
    }

    fn near(found: Option<Duration>, expected: Duration) -> bool {
        let off = found.unwrap().as_secs_f64() / expected.as_secs_f64();
        (0.87..1.13).contains(&off)
    }

    #[test]
    fn quantiles_are_of_what_was_recorded() {
        let born = Instant::now();
        let times = Times::new(born);
        assert_eq!(times.quantiles(born, [50, 99]), [None, None]);
        for millis in 1..=1000 {
            times.record(born, MILLISECOND * millis);
        }
        let [half, most] = times.quantiles(born, [50, 99]);
        assert!(near(half, MILLISECOND * 500), "{half:?}");
        assert!(near(most, MILLISECOND * 990), "{most:?}");
    }

    #[test]
    fn what_is_older_than_two_windows_is_forgotten() {
        let born = Instant::now();
        let times = Times::new(born);
        times.record(after(born, 59), MILLISECOND * 100);
        times.record(after(born, 61), MILLISECOND);
        let [least, most] = times.quantiles(after(born, 119), [1, 99]);
        assert!(near(least, MILLISECOND) && near(most, MILLISECOND * 100));
        let [least, most] = times.quantiles(after(born, 121), [1, 99]);
        assert!(near(least, MILLISECOND) && near(most, MILLISECOND));
        assert_eq!(times.quantiles(after(born, 180), [50]), [None]);
        // Nobody looked for hours, and nothing of then is left.
        times.record(after(born, 181), MILLISECOND);
        assert_eq!(times.quantiles(after(born, 9000), [50]), [None]);
    }

    proptest! {
        #[test]
        fn a_time_is_counted_close_to_where_it_is(micros in 1..120_000_000_u64) {
            let found = middle(bucket(micros));
            prop_assert!(found.abs_diff(micros) * 8 <= micros, "{micros} as {found}");
        }

        #[test]
        fn longer_times_are_never_counted_lower(micros in any::<u64>(), more in any::<u64>()) {
            prop_assert!(bucket(micros) <= bucket(micros.saturating_add(more)));
        }
    }
}
