//! Places where a test may stop a process, compiled in with the feature `fail-points` only.
//!
//! `CLEAVE_FAIL_POINTS="orders.held=kill@3,outbox.claimed=stall:500"` kills the process when
//! `orders.held` is passed for the third time, and holds whoever passes `outbox.claimed` first up
//! for 500 ms. Each happens once.

/// Does what the environment says of this point; nothing, and no code at all, without the feature.
#[cfg(feature = "fail-points")]
#[macro_export]
macro_rules! fail_point {
    ($name:literal) => {
        $crate::fail_point::pass($name).await
    };
}
#[cfg(not(feature = "fail-points"))]
#[macro_export]
macro_rules! fail_point {
    ($name:literal) => {};
}

#[cfg(feature = "fail-points")]
pub use armed::pass;

#[cfg(feature = "fail-points")]
mod armed {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use nix::sys::signal::{Signal, raise};

    #[derive(Debug, PartialEq)]
    enum Action {
        Kill,
        Stall(Duration),
    }

    #[derive(Debug)]
    struct Armed {
        name: String,
        action: Action,
        /// Passages until it happens.
        left: AtomicU32,
    }

    static ARMED: LazyLock<Vec<Armed>> = LazyLock::new(|| {
        let plan = std::env::var("CLEAVE_FAIL_POINTS").unwrap_or_default();
        let points = plan.split(',').filter(|point| !point.is_empty());
        #[allow(clippy::panic, reason = "a test that is not what it seems")]
        let read = |point| read(point).unwrap_or_else(|| panic!("CLEAVE_FAIL_POINTS: {point:?}"));
        points.map(read).collect()
    });

    fn read(point: &str) -> Option<Armed> {
        let (name, action) = point.split_once('=')?;
        let (action, passage) = action.split_once('@').unwrap_or((action, "1"));
        let action = match action.split_once(':') {
            None if action == "kill" => Action::Kill,
            Some(("stall", ms)) => Action::Stall(Duration::from_millis(ms.parse().ok()?)),
            _ => return None,
        };
        Some(Armed {
            name: name.to_owned(),
            action,
            left: AtomicU32::new(passage.parse().ok()?),
        })
    }

    pub async fn pass(name: &str) {
        for armed in ARMED.iter().filter(|armed| armed.name == name) {
            // Beyond its passage it wraps around, and that far nobody counts.
            if armed.left.fetch_sub(1, Ordering::Relaxed) != 1 {
                continue;
            }
            match armed.action {
                Action::Kill => drop(raise(Signal::SIGKILL)),
                Action::Stall(pause) => tokio::time::sleep(pause).await,
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn says_what_happens_at_which_passage() {
            let kill = read("orders.held=kill@3").unwrap();
            assert_eq!((&*kill.name, &kill.action), ("orders.held", &Action::Kill));
            assert_eq!(kill.left.into_inner(), 3);
            let stall = read("outbox.claimed=stall:500").unwrap();
            assert_eq!(stall.action, Action::Stall(Duration::from_millis(500)));
            assert_eq!(stall.left.into_inner(), 1);
            for nonsense in ["a", "a=b", "a=stall:x", "a=kill@x", "a=kill:1"] {
                assert!(read(nonsense).is_none(), "{nonsense}");
            }
        }
    }
}
