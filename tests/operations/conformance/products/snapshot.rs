use super::*;

on_every_adapter! { Fake, Module:
    tells_what_is_so_now,
    leaves_out_what_is_unknown,
}

async fn tells_what_is_so_now(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(4).await;
    let first = ProductSnapshot {
        product_id: sofa,
        sku: sofa.to_string(),
        name: "Sofa".to_owned(),
        unit_price: PRICE,
        available: 4,
        is_active: true,
    };
    assert_eq!(bench.snapshot(&[sofa]).await, Ok(vec![first.clone()]));

    bench.reserve(&Basket::of(&[(sofa, 3)])).await.unwrap();
    bench.world.retire(sofa).await;
    let unit_price = Money::new(1, Currency::USD);
    bench.world.change_price(sofa, unit_price).await;
    let now = ProductSnapshot {
        unit_price,
        available: 1,
        is_active: false,
        ..first
    };
    assert_eq!(bench.snapshot(&[sofa]).await, Ok(vec![now]));
}

async fn leaves_out_what_is_unknown(bench: &Bench<impl ProductsWorld>) {
    let mut known = vec![bench.sofas(1).await, bench.sofas(0).await];
    let asked = [known[1], Uuid::now_v7(), known[0]];
    let snapshots = bench.snapshot(&asked).await.unwrap();
    let mut told: Vec<Uuid> = snapshots.iter().map(|s| s.product_id).collect();
    told.sort_unstable();
    known.sort_unstable();
    assert_eq!(told, known);
    assert_eq!(bench.snapshot(&[Uuid::now_v7()]).await, Ok(vec![]));
    assert_eq!(bench.snapshot(&[]).await, Ok(vec![]));
}
