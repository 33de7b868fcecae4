//! What somebody has written past the shop is found, named with both numbers, and repaired where
//! that is safe.

mod orders;
mod sold;
mod table;

use cleave::reconcile::{Figure, Kind};

use self::sold::Sold;
use self::table::{Then, damages};
use crate::support::TestShop;

#[test]
fn every_kind_of_damage_is_done() {
    let done: Vec<Kind> = damages().iter().map(|damage| damage.kind).collect();
    for kind in Kind::all() {
        // It needs a shop of its own.
        let elsewhere = kind == Kind::HoldOverdue;
        assert!(elsewhere || done.contains(&kind), "{kind:?}");
    }
}

#[tokio::test]
async fn every_damage_is_found_and_repaired_where_that_is_safe() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    for (number, damage) in damages().into_iter().enumerate() {
        let sold = Sold::lamps(&shop, &admin, number, damage.life).await;
        sold.write(&shop, damage.database, damage.statements).await;

        let report = shop.reconcile(false).await;
        let what = format!("{number} {:?}: {report:#?}", damage.kind);
        assert!(
            report.remaining > 0 && report.total == report.remaining,
            "{what}"
        );
        let found = &report.differences[0];
        let figure = |figure: &Figure| sold.fill(&figure.to_string());
        assert_eq!(found.kind, damage.kind, "{what}");
        assert_eq!(
            found.expected.to_string(),
            figure(&damage.expected),
            "{what}"
        );
        assert_eq!(found.found.to_string(), figure(&damage.found), "{what}");
        assert_eq!(found.repaired, None, "{what}");
        let of_product = [Kind::Reserved, Kind::OnHand].contains(&found.kind);
        let of_order = found.number.as_ref() == Some(&sold.number);
        let unknown = [Kind::AllocationWithoutOrder, Kind::ClosedHoldsStock].contains(&found.kind);
        assert!(of_product || of_order || unknown, "{what}");
        if let Some(product) = found.product_id {
            assert_eq!(product.to_string(), sold.product, "{what}");
            assert_eq!(found.sku, Some(format!("LAMP-{number}")), "{what}");
        }

        let repair = shop.reconcile(true).await;
        let is_repaired = matches!(damage.then, Then::Repaired);
        let what = format!("{number} {:?}: {repair:#?}", damage.kind);
        assert_eq!(repair.differences[0].repaired, Some(is_repaired), "{what}");
        assert_eq!(repair.remaining == 0, is_repaired, "{what}");
        if let Then::Left(statements) = damage.then {
            assert_eq!(shop.reconcile(false).await.total, report.total, "{what}");
            sold.write(&shop, damage.database, statements).await;
        }
        let after = shop.reconcile(false).await;
        assert_eq!(after.total, 0, "{number} {:?}: {after:#?}", damage.kind);
    }
    shop.close().await;
}
