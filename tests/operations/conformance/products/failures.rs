use std::time::Duration;

use ports::Failure;

use super::*;
use crate::conformance::bench::{Fault, within};
use crate::conformance::failures::*;

on_every_adapter! { Fake, Module:
    a_spent_deadline_is_a_timeout,
    a_stalled_module_costs_the_deadline_and_no_more,
    a_module_without_its_database_is_unavailable,
    a_call_that_is_cut_off_is_unavailable,
    what_has_timed_out_is_repeated_with_one_effect,
}

async fn what_has_timed_out_is_repeated_with_one_effect(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(5).await;
    let (held, gone) = (Basket::of(&[(sofa, 2)]), Basket::of(&[(sofa, 1)]));
    let placed = held.placed();
    bench.reserve(&gone).await.unwrap();
    let release = ReleaseRequest {
        reservation_id: gone.reservation_id,
    };
    bench.world.suffer(Fault::Stalled).await;
    let cx = || within(Duration::from_millis(200));
    let (reserve, release) = tokio::join!(
        bench.port.reserve(cx(), held.request()),
        bench.port.release(cx(), release),
    );
    let handle = bench.port.handle(cx(), placed.clone()).await;
    assert_eq!(reserve, Err(Failure::Timeout.into()));
    assert_eq!(release, Err(Failure::Timeout.into()));
    assert_eq!(handle, Err(Failure::Timeout.into()));
    bench.world.recover().await;
    for _ in 0..2 {
        bench.reserve(&held).await.unwrap();
        bench.release(&gone).await.unwrap();
        bench.handle(&placed).await.unwrap();
        assert_eq!(bench.reserved(sofa).await, 2);
    }
}
