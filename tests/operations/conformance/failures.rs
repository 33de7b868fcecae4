//! What any port answers when it cannot.

use std::time::{Duration, Instant};

use ports::Failure;

use super::bench::{Answered, Bench, Fault, Tested, World, cx, within};
use crate::support::eventually;

/// What a busy machine may add to a deadline; less than callers wait without one.
const MARGIN: Duration = Duration::from_secs(8);

#[track_caller]
fn expect_all(answers: &[(&str, Answered)], expected: Answered) {
    assert!(!answers.is_empty());
    for (call, answered) in answers {
        assert_eq!(*answered, expected, "{call}");
    }
}

pub async fn a_spent_deadline_is_a_timeout<W: World>(bench: &Bench<W>) {
    let answers = bench.port.each_call(&within(Duration::ZERO)).await;
    expect_all(&answers, Err(Failure::Timeout));
    expect_all(&bench.port.each_call(&cx()).await, Ok(()));
}

pub async fn a_stalled_module_costs_the_deadline_and_no_more<W: World>(bench: &Bench<W>) {
    bench.world.suffer(Fault::Stalled).await;
    let start = Instant::now();
    let budget = Duration::from_millis(300);
    let answers = bench.port.each_call(&within(budget)).await;
    expect_all(&answers, Err(Failure::Timeout));
    assert!((budget..budget + MARGIN).contains(&start.elapsed()));
    bench.world.recover().await;
    expect_all(&bench.port.each_call(&cx()).await, Ok(()));
}

pub async fn a_module_without_its_database_is_unavailable<W: World>(bench: &Bench<W>) {
    expect_all(&bench.port.each_call(&cx()).await, Ok(()));
    bench.world.suffer(Fault::Away).await;
    for _ in 0..2 {
        let answers = bench.port.each_call(&cx()).await;
        expect_all(&answers, Err(Failure::Unavailable));
    }
    bench.world.recover().await;
    eventually("every call is answered again", async || {
        let answers = bench.port.each_call(&cx()).await;
        answers.iter().all(|(_, answered)| answered.is_ok())
    })
    .await;
}

pub async fn a_call_that_is_cut_off_is_unavailable<W: World>(bench: &Bench<W>) {
    bench.world.suffer(Fault::Stalled).await;
    let cx = cx();
    let calls = bench.port.each_call(&cx);
    let cut = async {
        bench.world.waiting(W::Port::CALLS).await;
        bench.world.suffer(Fault::Away).await;
    };
    let (answers, ()) = tokio::join!(calls, cut);
    expect_all(&answers, Err(Failure::Unavailable));
    bench.world.recover().await;
}
