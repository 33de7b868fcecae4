//! How pictures stay with their product, go, and are away with their store.

use cleave::settings::Module;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{show, upload, url};
use crate::support::pictures::png;
use crate::support::{TestShop, Topology, eventually};

#[tokio::test]
async fn a_deleted_picture_is_gone_once_and_the_others_stay_in_order() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let mut images = Vec::new();
    for width in 1..=4 {
        images.push(
            upload(&shop, &admin, &product, &png(width, 9))
                .await
                .expect(201),
        );
    }
    let path = |image: &Value| {
        format!(
            "/products/{product}/images/{}",
            image["id"].as_str().unwrap()
        )
    };
    let gone = images.remove(1);
    let (gone_path, gone_too) = (path(&gone), images.remove(2));
    let mut deletions: Vec<String> = vec![gone_path; 8];
    deletions.push(path(&gone_too));
    let answers = join_all(deletions.iter().map(|path| shop.delete_as(&admin, path))).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| a.status == 204);
    assert_eq!((done.len(), refused.len()), (2, 7));
    for answer in refused {
        answer.expect_problem(404, "not_found");
    }
    let left = shop.get(&format!("/products/{product}")).await.expect(200);
    assert_eq!(left["images"], json!(images));
    for gone in [&gone, &gone_too] {
        for query in ["", "?size=small", "?size=medium"] {
            let path = format!("{}{query}", url(gone));
            assert_eq!(show(&shop, &path).await.status, 404, "{path}");
        }
    }
    assert_eq!(show(&shop, url(&images[0])).await.status, 200);
    let mut db = shop.connect(Module::Products).await;
    let leftovers: i64 = sqlx::query_scalar("select count(*) from media_leftovers")
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(leftovers, 0);
    shop.close().await;
}

#[tokio::test]
async fn a_product_has_so_many_pictures_also_when_they_come_at_once() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let mut db = shop.connect(Module::Products).await;
    let first = upload(&shop, &admin, &product, &png(2, 2))
        .await
        .expect(201);
    sqlx::query(
        "update products set images =
            (
            select jsonb_agg(f.image)
            from (select p.images -> 0 as image from products p, generate_series(1, 46)) f
        )",
    )
    .execute(&mut db)
    .await
    .unwrap();
    let picture = png(3, 2);
    let all = (0..10).map(|_| upload(&shop, &admin, &product, &picture));
    let (made, refused): (Vec<_>, Vec<_>) = join_all(all)
        .await
        .into_iter()
        .partition(|answer| answer.status == 201);
    assert_eq!((made.len(), refused.len()), (4, 6));
    for answer in refused {
        answer.expect_problem(409, "too_many_images");
    }
    let full = shop.get(&format!("/products/{product}")).await.expect(200);
    assert_eq!(full["images"].as_array().unwrap().len(), 50);
    let one_less = format!(
        "/products/{product}/images/{}",
        made[0].json["id"].as_str().unwrap()
    );
    shop.delete_as(&admin, &one_less).await.expect(204);
    upload(&shop, &admin, &product, &picture).await.expect(201);
    assert_eq!(show(&shop, url(&first)).await.status, 200);
    shop.close().await;
}

#[tokio::test]
async fn without_its_store_only_pictures_are_away() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("a-file");
    std::fs::write(&nowhere, "not a folder").unwrap();
    let media = format!("media.url=file://{}/media", nowhere.display());
    let shop = TestShop::open_with(Topology::default(), &[&media]).await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let refused = upload(&shop, &admin, &product, &png(3, 2)).await;
    assert!(refused.header("retry-after").is_some());
    refused.expect_problem(503, "unavailable");
    let whole = shop.get(&format!("/products/{product}")).await.expect(200);
    assert_eq!(whole["images"], json!([]));

    std::fs::remove_file(&nowhere).unwrap();
    let image = upload(&shop, &admin, &product, &png(3, 2))
        .await
        .expect(201);
    assert_eq!(show(&shop, url(&image)).await.status, 200);
    shop.close().await;
}

#[tokio::test]
async fn what_a_crash_leaves_behind_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let media = format!("media.url=file://{}", folder.path().display());
    let shop = TestShop::open_with(Topology::default(), &[&media]).await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let kept = upload(&shop, &admin, &product, &png(4, 2))
        .await
        .expect(201);
    let lost = upload(&shop, &admin, &product, &png(3, 2))
        .await
        .expect(201);
    // As if the process had died between the bytes and the row.
    let mut db = shop.connect(Module::Products).await;
    sqlx::query(
        "with lost as (
            select images -> 1 ->> 'key' as key from products
        ), changed as (
            update products set images = images - 1
        )
        insert into media_leftovers (key, due_at) select key, now() from lost",
    )
    .execute(&mut db)
    .await
    .unwrap();
    let databases = shop.databases.clone();
    shop.close().await;

    // The sweep begins with the process.
    let shop = TestShop::open_on(databases, Topology::default(), &[&media]).await;
    eventually("nothing is left", async || {
        let left: i64 = sqlx::query_scalar("select count(*) from media_leftovers")
            .fetch_one(&mut db)
            .await
            .unwrap();
        left == 0
    })
    .await;
    assert_eq!(show(&shop, url(&lost)).await.status, 404);
    assert_eq!(show(&shop, url(&kept)).await.status, 200);
    let product = shop.get(&format!("/products/{product}")).await.expect(200);
    assert_eq!(product["images"], json!([kept]));
    shop.close().await;
}
