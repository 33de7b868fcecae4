use futures_util::future::join_all;

use super::*;

on_every_adapter! { Fake, Module:
    a_hundred_reserves_of_ten_pieces,
    one_reservation_twenty_times_at_once,
    baskets_that_name_products_in_opposite_order,
    one_order_placed_twenty_times_at_once,
    one_order_cancelled_twenty_times_at_once,
    an_order_that_ends_while_it_is_reserved,
}

async fn a_hundred_reserves_of_ten_pieces(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(10).await;
    let baskets: Vec<_> = (0..100).map(|_| Basket::of(&[(sofa, 1)])).collect();
    let answers = join_all(baskets.iter().map(|basket| bench.reserve(basket))).await;
    let (held, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(held.len(), 10);
    let products = vec![short(sofa, 1, 0)];
    let rejection = ReserveRejection::InsufficientStock { products };
    let rejected = Err(PortError::Rejected(rejection));
    for answer in refused {
        assert_eq!(answer, rejected);
    }
    assert_eq!(bench.world.stock(sofa).await, (10, 10));
}

/// All of the stock, so that a second hold would be refused.
async fn one_reservation_twenty_times_at_once(bench: &Bench<impl ProductsWorld>) {
    let (sofa, lamp) = (bench.sofas(5).await, bench.sofas(3).await);
    let basket = Basket::of(&[(sofa, 5), (lamp, 2)]);
    let answers = join_all((0..20).map(|_| bench.reserve(&basket))).await;
    assert!(answers[0].is_ok(), "{:?}", answers[0]);
    for answer in &answers {
        assert_eq!(*answer, answers[0]);
    }
    assert_eq!(bench.world.stock(sofa).await, (5, 5));
    assert_eq!(bench.world.stock(lamp).await, (3, 2));
}

async fn baskets_that_name_products_in_opposite_order(bench: &Bench<impl ProductsWorld>) {
    let (sofa, lamp) = (bench.sofas(100).await, bench.sofas(100).await);
    let lines = [[(sofa, 1), (lamp, 2)], [(lamp, 2), (sofa, 1)]];
    let baskets: Vec<_> = (0..40).map(|n| Basket::of(&lines[n % 2])).collect();
    for answer in join_all(baskets.iter().map(|basket| bench.reserve(basket))).await {
        assert!(answer.is_ok(), "{answer:?}");
    }
    assert_eq!(bench.reserved(sofa).await, 40);
    let (back, kept) = baskets.split_at(25);
    let back = back.iter().map(|basket| bench.release(basket));
    let more: Vec<_> = (0..20).map(|n| Basket::of(&lines[n % 2])).collect();
    let more = more.iter().map(|basket| bench.reserve(basket));
    let (back, more) = tokio::join!(join_all(back), join_all(more));
    assert!(back.iter().all(Result::is_ok), "{back:?}");
    assert!(more.iter().all(Result::is_ok), "{more:?}");
    assert_eq!(kept.len(), 15);
    assert_eq!(bench.reserved(sofa).await, 35);
    assert_eq!(bench.reserved(lamp).await, 70);
}

/// Its hold has expired, so each of them finds nothing and would take all of the stock.
async fn one_order_placed_twenty_times_at_once(bench: &Bench<impl ProductsWorld>) {
    for _ in 0..5 {
        let sofa = bench.sofas(3).await;
        let placed = Basket::of(&[(sofa, 3)]).placed();
        for answer in join_all((0..20).map(|_| bench.handle(&placed))).await {
            assert_eq!(answer, Ok(()));
        }
        assert_eq!(bench.world.stock(sofa).await, (3, 3));
    }
}

async fn one_order_cancelled_twenty_times_at_once(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(9).await;
    let (basket, other) = (Basket::of(&[(sofa, 3)]), Basket::of(&[(sofa, 6)]));
    for basket in [&basket, &other] {
        bench.reserve(basket).await.unwrap();
        bench.handle(&basket.placed()).await.unwrap();
    }
    let cancelled = basket.cancelled();
    for answer in join_all((0..20).map(|_| bench.handle(&cancelled))).await {
        assert_eq!(answer, Ok(()));
    }
    assert_eq!(bench.world.stock(sofa).await, (9, 6));
}

async fn an_order_that_ends_while_it_is_reserved(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(100).await;
    for _ in 0..5 {
        let basket = Basket::of(&[(sofa, 3)]);
        let (placed, cancelled) = (basket.placed(), basket.cancelled());
        let reserves = join_all((0..5).map(|_| bench.reserve(&basket)));
        let releases = join_all((0..3).map(|_| bench.release(&basket)));
        let (reserves, releases, placed, ended) = tokio::join!(
            reserves,
            releases,
            bench.handle(&placed),
            bench.handle(&cancelled),
        );
        assert!(releases.iter().all(Result::is_ok), "{releases:?}");
        assert_eq!((placed, ended), (Ok(()), Ok(())));
        for answer in reserves {
            assert!(answer.is_ok() || answer == closed(), "{answer:?}");
        }
        assert_eq!(bench.reserve(&basket).await, closed());
        assert_eq!(bench.reserved(sofa).await, 0);
    }
}
