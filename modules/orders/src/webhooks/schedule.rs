use std::time::Duration;

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

const fn hours(hours: u64) -> Duration {
    minutes(hours * 60)
}

/// Before each further attempt; the first one is made at once. Over three days in all, as Standard
/// Webhooks recommends.
const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    minutes(5),
    minutes(30),
    hours(2),
    hours(5),
    hours(10),
    hours(14),
    hours(20),
    hours(24),
];

/// How long to wait after so many attempts have failed; `None` when it was the last one. A part is
/// random, so that what failed together does not come back together.
pub fn pause_after(failed: usize) -> Option<Duration> {
    let pause = PAUSES.get(failed.checked_sub(1)?)?;
    Some(pause.mul_f64(rand::random_range(0.9..1.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_over_three_days() {
        let attempts = (1..).take_while(|n| pause_after(*n).is_some()).count() + 1;
        assert_eq!(attempts, 10);
        let total: Duration = PAUSES.iter().sum();
        assert!(total > hours(72) && total < hours(84));
        assert!(pause_after(1).unwrap() < Duration::from_secs(6));
    }
}
