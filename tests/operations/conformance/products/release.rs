use super::*;

on_every_adapter! { Fake, Module:
    gives_a_hold_back_once,
    leaves_what_is_unknown_as_it_is,
    leaves_an_allocation_as_it_is,
    leaves_what_is_closed_closed,
}

async fn gives_a_hold_back_once(bench: &Bench<impl ProductsWorld>) {
    let (sofa, lamp) = (bench.sofas(4).await, bench.sofas(4).await);
    let basket = Basket::of(&[(sofa, 3), (lamp, 1)]);
    let other = Basket::of(&[(sofa, 1)]);
    bench.reserve(&basket).await.unwrap();
    bench.reserve(&other).await.unwrap();
    for _ in 0..2 {
        assert_eq!(bench.release(&basket).await, Ok(()));
        assert_eq!(bench.world.stock(sofa).await, (4, 1));
        assert_eq!(bench.world.stock(lamp).await, (4, 0));
    }
}

async fn leaves_what_is_unknown_as_it_is(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let basket = Basket::of(&[(sofa, 3)]);
    assert_eq!(bench.release(&basket).await, Ok(()));
    bench.reserve(&basket).await.unwrap();
    assert_eq!(bench.reserved(sofa).await, 3);
}

async fn leaves_an_allocation_as_it_is(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let basket = Basket::of(&[(sofa, 3)]);
    bench.reserve(&basket).await.unwrap();
    bench.handle(&basket.placed()).await.unwrap();
    assert_eq!(bench.release(&basket).await, Ok(()));
    assert_eq!(bench.reserved(sofa).await, 3);
}

async fn leaves_what_is_closed_closed(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let basket = Basket::of(&[(sofa, 3)]);
    bench.handle(&basket.cancelled()).await.unwrap();
    assert_eq!(bench.release(&basket).await, Ok(()));
    assert_eq!(bench.reserve(&basket).await, closed());
}
