use futures_util::future::join_all;

use super::*;

on_every_adapter! { Fake, Module:
    a_shipped_order_takes_its_stock_along_once,
    an_order_without_an_allocation_cannot_have_shipped,
    a_shipped_order_is_over,
    a_cancelled_order_does_not_ship,
    one_order_shipped_twenty_times_at_once,
    an_order_that_is_shipped_while_it_is_placed,
    an_order_that_is_shipped_while_it_is_cancelled,
    orders_that_ship_while_baskets_are_reserved,
}

fn not_allocated() -> PortResult<(), EventRejection> {
    Err(PortError::Rejected(EventRejection::NotAllocated))
}

async fn allocated(bench: &Bench<impl ProductsWorld>, lines: &[(Uuid, i64)]) -> Basket {
    let basket = Basket::of(lines);
    bench.reserve(&basket).await.unwrap();
    bench.handle(&basket.placed()).await.unwrap();
    basket
}

async fn a_shipped_order_takes_its_stock_along_once(bench: &Bench<impl ProductsWorld>) {
    let (sofa, lamp) = (bench.sofas(4).await, bench.sofas(9).await);
    let shipped = allocated(bench, &[(sofa, 3), (lamp, 2)]).await;
    allocated(bench, &[(sofa, 1), (lamp, 4)]).await;
    let event = shipped.shipped();
    for event in [&event, &event, &shipped.shipped()] {
        assert_eq!(bench.handle(event).await, Ok(()));
        assert_eq!(bench.world.stock(sofa).await, (1, 1));
        assert_eq!(bench.world.stock(lamp).await, (7, 4));
    }
}

/// The refusal leaves no trace: the same event has its effect once there is an allocation.
async fn an_order_without_an_allocation_cannot_have_shipped(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let basket = Basket::of(&[(sofa, 3)]);
    let shipped = basket.shipped();
    assert_eq!(bench.handle(&shipped).await, not_allocated());
    bench.reserve(&basket).await.unwrap();
    assert_eq!(bench.handle(&shipped).await, not_allocated());
    assert_eq!(bench.world.stock(sofa).await, (4, 3));
    bench.handle(&basket.placed()).await.unwrap();
    assert_eq!(bench.handle(&shipped).await, Ok(()));
    assert_eq!(bench.world.stock(sofa).await, (1, 0));
}

async fn a_shipped_order_is_over(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let basket = allocated(bench, &[(sofa, 3)]).await;
    for event in [basket.shipped(), basket.cancelled(), basket.placed()] {
        assert_eq!(bench.handle(&event).await, Ok(()));
        assert_eq!(bench.world.stock(sofa).await, (1, 0));
    }
    bench.release(&basket).await.unwrap();
    assert_eq!(bench.reserve(&basket).await, closed());
    assert_eq!(bench.world.stock(sofa).await, (1, 0));
}

async fn a_cancelled_order_does_not_ship(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let basket = allocated(bench, &[(sofa, 3)]).await;
    for event in [basket.cancelled(), basket.shipped()] {
        assert_eq!(bench.handle(&event).await, Ok(()));
        assert_eq!(bench.world.stock(sofa).await, (4, 0));
    }
}

async fn one_order_shipped_twenty_times_at_once(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(9).await;
    let basket = allocated(bench, &[(sofa, 3)]).await;
    let (one, other) = (basket.shipped(), basket.shipped());
    let deliveries = (0..20).map(|n| bench.handle(if n % 2 == 0 { &one } else { &other }));
    for answer in join_all(deliveries).await {
        assert_eq!(answer, Ok(()));
    }
    assert_eq!(bench.world.stock(sofa).await, (6, 0));
}

/// It was a hold when the shipment looked, and is an allocation when the shipment has its lock.
async fn an_order_that_is_shipped_while_it_is_placed(bench: &Bench<impl ProductsWorld>) {
    for _ in 0..10 {
        let sofa = bench.sofas(4).await;
        let basket = Basket::of(&[(sofa, 3)]);
        bench.reserve(&basket).await.unwrap();
        let events: Vec<_> = (0..4).map(|_| basket.shipped()).collect();
        let placed = basket.placed();
        let (placed, shipped) = tokio::join!(
            bench.handle(&placed),
            join_all(events.iter().map(|event| bench.handle(event))),
        );
        assert_eq!(placed, Ok(()));
        for answer in shipped {
            assert!(answer == Ok(()) || answer == not_allocated(), "{answer:?}");
        }
        assert_eq!(bench.handle(&events[0]).await, Ok(()));
        assert_eq!(bench.world.stock(sofa).await, (1, 0));
    }
}

async fn an_order_that_is_shipped_while_it_is_cancelled(bench: &Bench<impl ProductsWorld>) {
    for _ in 0..5 {
        let sofa = bench.sofas(4).await;
        let basket = allocated(bench, &[(sofa, 3)]).await;
        let events = [basket.shipped(), basket.cancelled()];
        for answer in join_all((0..10).map(|n| bench.handle(&events[n % 2]))).await {
            assert_eq!(answer, Ok(()));
        }
        let stock = bench.world.stock(sofa).await;
        assert!([(1, 0), (4, 0)].contains(&stock), "{stock:?}");
    }
}

/// The last of the stock changes hands while it leaves.
async fn orders_that_ship_while_baskets_are_reserved(bench: &Bench<impl ProductsWorld>) {
    let (sofa, lamp) = (bench.sofas(20).await, bench.sofas(40).await);
    let lines = [[(sofa, 1), (lamp, 2)], [(lamp, 2), (sofa, 1)]];
    let mut orders = Vec::new();
    for n in 0..10 {
        orders.push(allocated(bench, &lines[n % 2]).await);
    }
    let events: Vec<_> = orders.iter().map(Basket::shipped).collect();
    let more: Vec<_> = (0..15).map(|n| Basket::of(&lines[n % 2])).collect();
    let (shipped, more) = tokio::join!(
        join_all(events.iter().map(|event| bench.handle(event))),
        join_all(more.iter().map(|basket| bench.reserve(basket))),
    );
    assert!(shipped.iter().all(Result::is_ok), "{shipped:?}");
    assert_eq!(more.iter().filter(|answer| answer.is_ok()).count(), 10);
    assert_eq!(bench.world.stock(sofa).await, (10, 10));
    assert_eq!(bench.world.stock(lamp).await, (20, 20));
}
