use ports::Failure;
use ports::products::ReservedLine;

use super::*;

on_every_adapter! { Fake, Module:
    holds_every_line_at_its_price,
    is_all_or_none,
    sells_no_piece_twice,
    rejects_what_is_unknown_or_inactive,
    again_answers_what_it_answered_first,
    again_after_a_release_begins_anew,
    again_with_its_order_placed_answers_the_allocation,
    again_with_its_order_over_is_rejected,
    of_a_hundred_lines,
    of_no_lines_holds_nothing,
    against_the_contract_fails_and_holds_nothing,
}

async fn holds_every_line_at_its_price(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let yen = Money::new(1_999, Currency::JPY);
    let lamp = bench.world.product("Lámpara 💡", yen, 2).await;
    let mut lines = [(sofa, 3, "Sofa", PRICE), (lamp, 2, "Lámpara 💡", yen)];
    lines.sort_unstable_by_key(|(id, ..)| *id);
    let wanted: Vec<_> = lines.iter().rev().map(|(id, n, ..)| (*id, *n)).collect();
    let basket = Basket::of(&wanted);

    let line = |(product_id, quantity, name, unit_price): (Uuid, i64, &str, Money)| ReservedLine {
        product_id,
        sku: product_id.to_string(),
        name: name.to_owned(),
        quantity,
        unit_price,
    };
    let reservation = Reservation {
        reservation_id: basket.reservation_id,
        lines: lines.map(line).to_vec(),
    };
    assert_eq!(bench.reserve(&basket).await, Ok(reservation));
    assert_eq!(bench.world.stock(sofa).await, (4, 3));
    assert_eq!(bench.world.stock(lamp).await, (2, 2));
}

async fn is_all_or_none(bench: &Bench<impl ProductsWorld>) {
    let (sofa, lamp, rug) = (
        bench.sofas(4).await,
        bench.sofas(2).await,
        bench.sofas(0).await,
    );
    let basket = Basket::of(&[(sofa, 4), (lamp, 3), (rug, i64::MAX)]);
    let answer = bench.reserve(&basket).await;
    let Err(PortError::Rejected(ReserveRejection::InsufficientStock { mut products })) = answer
    else {
        panic!("{answer:?}");
    };
    products.sort_unstable_by_key(|shortage| shortage.requested);
    assert_eq!(products, [short(lamp, 3, 2), short(rug, i64::MAX, 0)]);
    for product in [sofa, lamp, rug] {
        assert_eq!(bench.reserved(product).await, 0);
    }
    // The refusal leaves the id free.
    let smaller = Basket {
        lines: Basket::of(&[(sofa, 4), (lamp, 2)]).lines,
        ..basket
    };
    bench.reserve(&smaller).await.unwrap();
    assert_eq!(bench.reserved(lamp).await, 2);
}

async fn sells_no_piece_twice(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    bench.reserve(&Basket::of(&[(sofa, 3)])).await.unwrap();
    let products = vec![short(sofa, 2, 1)];
    let rejection = ReserveRejection::InsufficientStock { products };
    let answer = bench.reserve(&Basket::of(&[(sofa, 2)])).await;
    assert_eq!(answer, Err(PortError::Rejected(rejection)));
    bench.reserve(&Basket::of(&[(sofa, 1)])).await.unwrap();
    assert_eq!(bench.world.stock(sofa).await, (4, 4));
}

async fn rejects_what_is_unknown_or_inactive(bench: &Bench<impl ProductsWorld>) {
    let (sofa, retired) = (bench.sofas(4).await, bench.sofas(4).await);
    bench.world.retire(retired).await;
    let mut wrong = vec![retired, Uuid::now_v7()];
    wrong.sort_unstable();
    let basket = Basket::of(&[(sofa, 1), (wrong[1], 1), (wrong[0], 1)]);
    let answer = bench.reserve(&basket).await;
    let Err(PortError::Rejected(ReserveRejection::UnknownProducts { mut product_ids })) = answer
    else {
        panic!("{answer:?}");
    };
    product_ids.sort_unstable();
    assert_eq!(product_ids, wrong);
    assert_eq!(bench.reserved(sofa).await, 0);
    assert_eq!(bench.reserved(retired).await, 0);
}

async fn again_answers_what_it_answered_first(bench: &Bench<impl ProductsWorld>) {
    let (sofa, lamp) = (bench.sofas(4).await, bench.sofas(4).await);
    let basket = Basket::of(&[(sofa, 4)]);
    let first = bench.reserve(&basket).await;
    assert!(first.is_ok());
    assert_eq!(bench.reserve(&basket).await, first);

    let unit_price = Money::new(1, Currency::USD);
    bench.world.change_price(sofa, unit_price).await;
    bench.world.retire(sofa).await;
    for lines in [
        &[(sofa, 4)][..],
        &[(sofa, 1), (lamp, 1)],
        &[(Uuid::now_v7(), 1)],
        &[],
    ] {
        let lines = Basket::of(lines).lines;
        let again = Basket { lines, ..basket };
        assert_eq!(bench.reserve(&again).await, first);
    }
    assert_eq!(bench.reserved(sofa).await, 4);
    assert_eq!(bench.reserved(lamp).await, 0);
}

async fn again_after_a_release_begins_anew(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let basket = Basket::of(&[(sofa, 3)]);
    bench.reserve(&basket).await.unwrap();
    bench.release(&basket).await.unwrap();
    let unit_price = Money::new(1, Currency::USD);
    bench.world.change_price(sofa, unit_price).await;
    let lines = Basket::of(&[(sofa, 1)]).lines;
    let anew = bench.reserve(&Basket { lines, ..basket }).await.unwrap();
    assert_eq!(anew.lines[0].unit_price, unit_price);
    assert_eq!(bench.reserved(sofa).await, 1);
}

async fn again_with_its_order_placed_answers_the_allocation(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let basket = Basket::of(&[(sofa, 3)]);
    let first = bench.reserve(&basket).await;
    bench.handle(&basket.placed()).await.unwrap();
    bench
        .world
        .change_price(sofa, Money::new(1, Currency::USD))
        .await;
    assert_eq!(bench.reserve(&basket).await, first);
    bench.world.expire_holds().await;
    assert_eq!(bench.reserve(&basket).await, first);
    assert_eq!(bench.reserved(sofa).await, 3);
}

async fn again_with_its_order_over_is_rejected(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let basket = Basket::of(&[(sofa, 3)]);
    bench.reserve(&basket).await.unwrap();
    bench.handle(&basket.placed()).await.unwrap();
    bench.handle(&basket.cancelled()).await.unwrap();
    for lines in [&[(sofa, 3)][..], &[(sofa, 5)], &[(Uuid::now_v7(), 1)], &[]] {
        let lines = Basket::of(lines).lines;
        let again = Basket { lines, ..basket };
        assert_eq!(bench.reserve(&again).await, closed());
    }
    assert_eq!(bench.reserved(sofa).await, 0);
}

async fn of_a_hundred_lines(bench: &Bench<impl ProductsWorld>) {
    let mut lines = Vec::new();
    for quantity in 1..=100 {
        lines.push((bench.sofas(quantity).await, quantity));
    }
    let basket = Basket::of(&lines);
    let reservation = bench.reserve(&basket).await.unwrap();
    assert_eq!(reservation.lines.len(), 100);
    bench.release(&basket).await.unwrap();
    assert_eq!(bench.reserved(lines[99].0).await, 0);
}

async fn of_no_lines_holds_nothing(bench: &Bench<impl ProductsWorld>) {
    let nothing = Basket::of(&[]);
    let reservation = Reservation {
        reservation_id: nothing.reservation_id,
        lines: vec![],
    };
    assert_eq!(bench.reserve(&nothing).await, Ok(reservation.clone()));
    assert_eq!(bench.reserve(&nothing).await, Ok(reservation));
}

async fn against_the_contract_fails_and_holds_nothing(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let kept = Basket::of(&[(sofa, 2)]);
    bench.reserve(&kept).await.unwrap();
    for lines in [
        &[(sofa, 0)][..],
        &[(sofa, -1)],
        &[(sofa, i64::MIN)],
        &[(sofa, 1), (sofa, 1)],
    ] {
        let answer = bench.reserve(&Basket::of(lines)).await;
        assert_eq!(answer, Err(Failure::Internal.into()), "{lines:?}");
        assert_eq!(bench.reserved(sofa).await, 2, "{lines:?}");
    }
}
