use super::*;

on_every_adapter! { Fake, Module:
    a_placed_order_keeps_its_stock,
    an_order_placed_twice_takes_its_stock_once,
    an_order_whose_hold_expired_takes_its_stock_again,
    an_order_whose_stock_is_gone_is_rejected_and_takes_nothing,
    a_cancelled_order_gives_its_stock_back_once,
    a_cancelled_order_never_takes_stock_again,
    an_order_cancelled_before_it_was_heard_of_never_takes_stock,
    an_order_cancelled_while_its_stock_is_held_gives_it_back,
}

fn out_of_stock(products: Vec<Shortage>) -> PortResult<(), EventRejection> {
    Err(PortError::Rejected(EventRejection::OutOfStock { products }))
}

async fn a_placed_order_keeps_its_stock(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let (placed, forgotten) = (Basket::of(&[(sofa, 3)]), Basket::of(&[(sofa, 1)]));
    bench.reserve(&placed).await.unwrap();
    bench.reserve(&forgotten).await.unwrap();
    assert_eq!(bench.handle(&placed.placed()).await, Ok(()));
    bench.world.expire_holds().await;
    assert_eq!(bench.world.stock(sofa).await, (4, 3));
}

async fn an_order_placed_twice_takes_its_stock_once(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(9).await;
    let held = Basket::of(&[(sofa, 3)]);
    bench.reserve(&held).await.unwrap();
    let expired = Basket::of(&[(sofa, 1)]);
    for basket in [held, expired] {
        let placed = basket.placed();
        for _ in 0..3 {
            assert_eq!(bench.handle(&placed).await, Ok(()));
        }
    }
    assert_eq!(bench.reserved(sofa).await, 4);
}

/// Also what is no longer on sale: the order stands.
async fn an_order_whose_hold_expired_takes_its_stock_again(bench: &Bench<impl ProductsWorld>) {
    let (sofa, lamp) = (bench.sofas(4).await, bench.sofas(1).await);
    let basket = Basket::of(&[(sofa, 3), (lamp, 1)]);
    bench.reserve(&basket).await.unwrap();
    bench.world.expire_holds().await;
    assert_eq!(bench.reserved(sofa).await, 0);
    bench.world.retire(lamp).await;
    assert_eq!(bench.handle(&basket.placed()).await, Ok(()));
    bench.world.expire_holds().await;
    assert_eq!(bench.reserved(sofa).await, 3);
    assert_eq!(bench.reserved(lamp).await, 1);
}

async fn an_order_whose_stock_is_gone_is_rejected_and_takes_nothing(
    bench: &Bench<impl ProductsWorld>,
) {
    let (sofa, lamp) = (bench.sofas(4).await, bench.sofas(4).await);
    let late = Basket::of(&[(lamp, 1), (sofa, 2)]);
    bench.reserve(&late).await.unwrap();
    bench.world.expire_holds().await;
    let quick = Basket::of(&[(sofa, 3)]);
    bench.reserve(&quick).await.unwrap();

    let placed = late.placed();
    for _ in 0..2 {
        let rejected = out_of_stock(vec![short(sofa, 2, 1)]);
        assert_eq!(bench.handle(&placed).await, rejected);
    }
    assert_eq!(bench.reserved(sofa).await, 3);
    assert_eq!(bench.reserved(lamp).await, 0);
    // What its sender does then.
    assert_eq!(bench.handle(&late.cancelled()).await, Ok(()));
    bench.release(&quick).await.unwrap();
    assert_eq!(bench.handle(&placed).await, Ok(()));
    assert_eq!(bench.reserved(sofa).await, 0);
}

async fn a_cancelled_order_gives_its_stock_back_once(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let (cancelled, other) = (Basket::of(&[(sofa, 3)]), Basket::of(&[(sofa, 1)]));
    for basket in [&cancelled, &other] {
        bench.reserve(basket).await.unwrap();
        bench.handle(&basket.placed()).await.unwrap();
    }
    let event = cancelled.cancelled();
    for event in [&event, &event, &cancelled.cancelled()] {
        assert_eq!(bench.handle(event).await, Ok(()));
        assert_eq!(bench.world.stock(sofa).await, (4, 1));
    }
}

async fn a_cancelled_order_never_takes_stock_again(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let basket = Basket::of(&[(sofa, 3)]);
    let (placed, cancelled) = (basket.placed(), basket.cancelled());
    bench.reserve(&basket).await.unwrap();
    for event in [&placed, &cancelled, &placed, &basket.placed()] {
        assert_eq!(bench.handle(event).await, Ok(()));
    }
    assert_eq!(bench.reserved(sofa).await, 0);
    assert_eq!(bench.reserve(&basket).await, closed());
}

async fn an_order_cancelled_before_it_was_heard_of_never_takes_stock(
    bench: &Bench<impl ProductsWorld>,
) {
    let sofa = bench.sofas(4).await;
    let basket = Basket::of(&[(sofa, 3)]);
    assert_eq!(bench.handle(&basket.cancelled()).await, Ok(()));
    assert_eq!(bench.reserve(&basket).await, closed());
    assert_eq!(bench.handle(&basket.placed()).await, Ok(()));
    assert_eq!(bench.reserved(sofa).await, 0);
}

async fn an_order_cancelled_while_its_stock_is_held_gives_it_back(
    bench: &Bench<impl ProductsWorld>,
) {
    let sofa = bench.sofas(4).await;
    let basket = Basket::of(&[(sofa, 3)]);
    bench.reserve(&basket).await.unwrap();
    assert_eq!(bench.handle(&basket.cancelled()).await, Ok(()));
    assert_eq!(bench.reserved(sofa).await, 0);
    assert_eq!(bench.reserve(&basket).await, closed());
}
