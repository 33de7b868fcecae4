//! What comes back of a picture: its file and its sizes.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, RgbaImage};
use serde_json::json;

use super::{has, is_red, send, show, size, upload, url};
use crate::support::TestShop;
use crate::support::pictures::{file, flag, form, png};

/// An EXIF block that says how the camera was held, and where.
fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x02\0".to_vec();
    exif.extend_from_slice(&[0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    exif.extend_from_slice(&[0x0e, 0x01, 2, 0, 14, 0, 0, 0, 38, 0, 0, 0]);
    exif.extend_from_slice(b"\0\0\0\0Here: 52.5 N\0");
    exif
}

fn jpeg_with_exif(picture: &DynamicImage, orientation: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut file, 95);
    encoder.set_exif_metadata(exif(orientation)).unwrap();
    picture.write_with_encoder(encoder).unwrap();
    assert!(has(&file, b"52.5 N"));
    file
}

#[tokio::test]
async fn a_picture_is_shown_as_it_came_and_in_two_sizes() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let sofa = flag(1600, 800);
    let mut images = Vec::new();
    for (format, kind, extension) in [
        (ImageFormat::Png, "image/png", "png"),
        (ImageFormat::Jpeg, "image/jpeg", "jpg"),
        (ImageFormat::WebP, "image/webp", "webp"),
    ] {
        let bytes = file(&sofa, format);
        // A name and a type that lie.
        let picture = (
            "file",
            Some(("../../etc/a.gif", "text/html")),
            bytes.as_slice(),
        );
        let alt = ("alt", None, "Ein „Sofa“ \u{1f6cb}".as_bytes());
        let made = send(&shop, &admin, &product, form(&[alt, picture])).await;
        let location = made.header("location").unwrap().to_owned();
        let image = made.expect(201);
        assert_eq!(location, url(&image));
        assert_eq!(image["width"], 1600);
        assert_eq!(image["height"], 800);
        assert_eq!(image["alt"], "Ein „Sofa“ \u{1f6cb}");
        assert!(url(&image).starts_with("/api/v1/media/"));
        assert!(url(&image).ends_with(extension));

        let whole = show(&shop, url(&image)).await;
        assert_eq!(whole.status, 200);
        assert_eq!(whole.header("content-type"), kind);
        assert_eq!(whole.header("x-content-type-options"), "nosniff");
        assert_eq!(whole.header("content-disposition"), "inline");
        assert!(
            whole
                .header("content-security-policy")
                .contains("default-src 'none'")
        );
        assert!(whole.header("content-security-policy").contains("sandbox"));
        assert!(whole.header("cache-control").contains("immutable"));
        assert_eq!(
            whole.header("content-length"),
            whole.bytes.len().to_string()
        );
        assert_eq!(size(&whole.picture()), (1600, 800));
        assert!(is_red(&whole.picture(), 100, 100) && !is_red(&whole.picture(), 1500, 100));
        let mut tags = vec![whole.header("etag").to_owned()];
        for (name, wanted) in [("small", (320, 160)), ("medium", (1024, 512))] {
            let scaled = show(&shop, &format!("{}?size={name}", url(&image))).await;
            assert_eq!(scaled.status, 200);
            assert_eq!(size(&scaled.picture()), wanted);
            assert!(scaled.header("content-type").starts_with("image/"));
            tags.push(scaled.header("etag").to_owned());
        }
        tags.dedup();
        assert_eq!(tags.len(), 3);
        images.push(image);
    }
    for path in [
        format!("/products/{product}"),
        "/products/by-sku/SOFA".to_owned(),
    ] {
        assert_eq!(shop.get(&path).await.expect(200)["images"], json!(images));
    }
    for path in ["/products", "/products?q=sofa", "/products?sort=price"] {
        let list = shop.get(path).await.expect(200);
        assert_eq!(list["items"][0]["images"], json!(images), "{path}");
    }
    let path = format!("/products/{product}/stock");
    let stocked = shop.put_as(&admin, &path, &json!({ "on_hand": 3 })).await;
    assert_eq!(stocked.expect(200)["images"], json!(images));
    shop.close().await;
}

#[tokio::test]
async fn a_small_picture_stays_small_and_a_narrow_one_is_there() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    for (width, height, small, medium) in [
        (1, 1, (1, 1), (1, 1)),
        (320, 200, (320, 200), (320, 200)),
        (500, 20, (320, 13), (500, 20)),
        (4000, 1, (320, 1), (1024, 1)),
    ] {
        let image = upload(&shop, &admin, &product, &png(width, height))
            .await
            .expect(201);
        for (query, wanted) in [
            ("", (width, height)),
            ("?size=small", small),
            ("?size=medium", medium),
        ] {
            let shown = show(&shop, &format!("{}{query}", url(&image))).await;
            assert_eq!(size(&shown.picture()), wanted, "{width}x{height}{query}");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn a_picture_is_turned_as_its_camera_was_and_tells_nothing_else() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    // Red on the left; turned clockwise by 90 degrees, red is above.
    let mut turned = jpeg_with_exif(&flag(600, 400), 6);
    turned.extend_from_slice(b"<script>alert(1)</script>");
    let mut webp = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut webp);
    encoder.set_exif_metadata(exif(1)).unwrap();
    let pixels = flag(600, 400).to_rgb8();
    encoder
        .encode(&pixels, 600, 400, ExtendedColorType::Rgb8)
        .unwrap();
    let mut turned_webp = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut turned_webp);
    encoder.set_exif_metadata(exif(6)).unwrap();
    encoder
        .encode(&pixels, 600, 400, ExtendedColorType::Rgb8)
        .unwrap();
    for (name, bytes, wanted) in [
        ("jpeg", &turned, (400, 600)),
        ("webp", &webp, (600, 400)),
        ("webp turned", &turned_webp, (400, 600)),
    ] {
        let image = upload(&shop, &admin, &product, bytes).await.expect(201);
        assert_eq!(image["width"], wanted.0, "{name}");
        assert_eq!(image["height"], wanted.1, "{name}");
        for query in ["", "?size=small", "?size=medium"] {
            let shown = show(&shop, &format!("{}{query}", url(&image))).await;
            for secret in [&b"52.5 N"[..], b"Exif", b"EXIF", b"<script>"] {
                assert!(!has(&shown.bytes, secret), "{name}{query}");
            }
            let picture = shown.picture();
            assert!(is_red(&picture, 10, 10), "{name}{query}");
            let (x, y) = (picture.width() - 10, picture.height() - 10);
            assert!(!is_red(&picture, x, y), "{name}{query}");
            let upright = wanted.1 > wanted.0;
            assert_eq!(is_red(&picture, x, 10), upright, "{name}{query}");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn a_transparent_picture_stays_transparent() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let glass = RgbaImage::from_pixel(500, 500, image::Rgba([10, 20, 30, 40]));
    let glass = DynamicImage::from(glass);
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let image = upload(&shop, &admin, &product, &file(&glass, format))
            .await
            .expect(201);
        for query in ["", "?size=small"] {
            let shown = show(&shop, &format!("{}{query}", url(&image))).await;
            assert_eq!(
                shown.picture().to_rgba8().get_pixel(9, 9).0[3],
                40,
                "{format:?}{query}"
            );
        }
    }
    // Deep and grey ones are shown in the colours of browsers.
    let deep = DynamicImage::ImageRgb16(flag(50, 50).to_rgb16());
    upload(&shop, &admin, &product, &file(&deep, ImageFormat::Png))
        .await
        .expect(201);
    let grey = DynamicImage::ImageLuma8(flag(50, 50).to_luma8());
    upload(&shop, &admin, &product, &file(&grey, ImageFormat::Jpeg))
        .await
        .expect(201);
    shop.close().await;
}
