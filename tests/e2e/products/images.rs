//! Pictures: taken in, shown, refused, removed.

use cleave::settings::Module;
use futures_util::future::join_all;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, RgbaImage};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::pictures::{FORM, Part, file, flag, form, form_of, png};
use crate::support::{Answer, Customer, Raw, TestShop, Topology, eventually};

const NOTHING: &str = "0198c5a0-0000-7000-8000-000000000000";
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

fn has(file: &[u8], words: &[u8]) -> bool {
    file.windows(words.len()).any(|window| window == words)
}

async fn send(shop: &TestShop, who: &Customer, product: &str, body: Vec<u8>) -> Answer {
    shop.send(shop.upload(who, product, body)).await
}

async fn upload(shop: &TestShop, who: &Customer, product: &str, file: &[u8]) -> Answer {
    send(shop, who, product, form_of(file)).await
}

struct Shown {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Shown {
    fn header(&self, name: &str) -> &str {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name}"));
        value.to_str().unwrap()
    }

    fn picture(&self) -> DynamicImage {
        image::load_from_memory(&self.bytes).unwrap()
    }
}

async fn show(shop: &TestShop, url: &str) -> Shown {
    let answer = shop.request(Method::GET, url).send().await.unwrap();
    Shown {
        status: answer.status(),
        headers: answer.headers().clone(),
        bytes: answer.bytes().await.unwrap().to_vec(),
    }
}

fn url(image: &Value) -> &str {
    image["url"].as_str().unwrap()
}

fn size(picture: &DynamicImage) -> (u32, u32) {
    (picture.width(), picture.height())
}

/// Nearly, since JPEG does not keep colours to the letter.
fn is_red(picture: &DynamicImage, x: u32, y: u32) -> bool {
    let [red, _, blue] = picture.to_rgb8().get_pixel(x, y).0;
    red > 150 && blue < 100
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

/// A PNG that says it had so many pixels.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let black = image::GrayImage::new(100, 1);
    let mut png = file(&DynamicImage::from(black), ImageFormat::Png);
    // The size stands in the header, which has a checksum.
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    png
}

/// As PNG has it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let shift = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        (0..8).fold(crc ^ u32::from(*byte), shift)
    };
    !bytes.iter().fold(!0, step)
}

#[tokio::test]
async fn what_is_no_picture_is_refused_whatever_it_is_called() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let jpeg = file(&flag(300, 200), ImageFormat::Jpeg);
    let (whole_png, webp) = (png(300, 200), file(&flag(300, 200), ImageFormat::WebP));
    let mut damaged = whole_png.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xFF;
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
    let mut gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0".to_vec();
    gif.extend_from_slice(b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;");
    for (name, bytes, status, code) in [
        ("text", &b"just words"[..], 415, "unsupported_image"),
        ("svg", svg, 415, "unsupported_image"),
        ("gif", &gif, 415, "unsupported_image"),
        (
            "html and jpeg",
            &[b"<html>", &jpeg[..]].concat(),
            415,
            "unsupported_image",
        ),
        ("jpeg's first bytes", &jpeg[..4], 422, "invalid_image"),
        ("half a jpeg", &jpeg[..jpeg.len() / 2], 422, "invalid_image"),
        (
            "a jpeg but its end",
            &jpeg[..jpeg.len() - 2],
            422,
            "invalid_image",
        ),
        (
            "half a png",
            &whole_png[..whole_png.len() / 2],
            422,
            "invalid_image",
        ),
        ("half a webp", &webp[..webp.len() / 2], 422, "invalid_image"),
        ("damaged png", &damaged, 422, "invalid_image"),
        ("png of no size", &bomb(0, 7), 422, "invalid_image"),
        ("bomb", &bomb(30_000, 30_000), 413, "image_too_large"),
        ("long bomb", &bomb(40_000_001, 1), 413, "image_too_large"),
        (
            "bomb of all",
            &bomb(0x7fff_ffff, 0x7fff_ffff),
            413,
            "image_too_large",
        ),
        ("too few lines", &bomb(6000, 6000), 422, "invalid_image"),
    ] {
        println!("{name}: {} bytes", bytes.len());
        let picture = ("file", Some(("picture.png", "image/png")), bytes);
        let answer = send(&shop, &admin, &product, form(&[picture])).await;
        answer.expect_problem(status, code);
    }
    let untouched = shop.get(&format!("/products/{product}")).await.expect(200);
    assert_eq!(untouched["images"], json!([]));
    shop.close().await;
}

#[tokio::test]
async fn a_form_that_is_none_is_refused_naming_what_is_wrong() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let picture = png(3, 2);
    let good: Part<'_> = ("file", Some(("a.png", "image/png")), &picture);
    let long = "é".repeat(501);
    for (field, parts) in [
        ("file", vec![]),
        ("file", vec![("alt", None, &b"nothing"[..])]),
        ("file", vec![good, good]),
        ("file", vec![("file", Some(("a.png", "image/png")), b"")]),
        (
            "alt",
            vec![good, ("alt", None, b"one"), ("alt", None, b"two")],
        ),
        ("alt", vec![good, ("alt", None, long.as_bytes())]),
        ("alt", vec![good, ("alt", None, &[b'a'; 70_000])]),
        ("alt", vec![good, ("alt", None, b"\xff")]),
        ("alt", vec![good, ("alt", None, b"a\0b")]),
        ("position", vec![good, ("position", None, b"1")]),
        (
            "File",
            vec![("File", Some(("a.png", "image/png")), &picture)],
        ),
    ] {
        println!("{field} {}", parts.len());
        let answer = send(&shop, &admin, &product, form(&parts)).await;
        answer.expect_invalid(field);
    }
    let longest = "é".repeat(500);
    let body = form(&[good, ("alt", None, longest.as_bytes())]);
    let image = send(&shop, &admin, &product, body.clone())
        .await
        .expect(201);
    assert_eq!(image["alt"], longest);

    let path = format!("/api/v1/products/{product}/images");
    let with = async |kind: Option<&str>, body: &[u8]| {
        let request = shop.request(Method::POST, &path).bearer_auth(&admin.token);
        let request = match kind {
            Some(kind) => request.header("content-type", kind),
            None => request,
        };
        shop.send(request.body(body.to_vec())).await
    };
    for end in [
        body.len() - 60,
        body.len() - 3000.min(body.len() / 2),
        200,
        100,
        30,
        0,
    ] {
        let answer = with(Some(FORM), &body[..end]).await;
        println!("{end}");
        answer.expect_problem(400, "malformed_multipart");
    }
    let (_, boundary) = FORM.split_once('=').unwrap();
    let headless = format!("--{boundary}\r\n\r\nx\r\n--{boundary}--\r\n");
    for (kind, body) in [
        (FORM, headless.as_bytes()),
        (FORM, &b"\xff\xfe no form at all"[..]),
        ("multipart/form-data", &body),
        ("multipart/form-data; boundary=", &body),
        ("multipart/form-data; boundary=another", &body),
    ] {
        println!("{kind}");
        with(Some(kind), body)
            .await
            .expect_problem(400, "malformed_multipart");
    }
    with(None, b"")
        .await
        .expect_problem(400, "malformed_multipart");
    for kind in [
        None,
        Some("application/json"),
        Some("image/png"),
        Some("multipart/mixed; boundary=a"),
    ] {
        with(kind, &picture)
            .await
            .expect_problem(415, "unsupported_media_type");
    }
    shop.close().await;
}

#[tokio::test]
async fn who_may_not_or_has_no_product_is_told() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let picture = png(3, 2);
    let image = upload(&shop, &admin, &product, &picture).await.expect(201);
    upload(&shop, &ada, &product, &picture)
        .await
        .expect_problem(403, "forbidden");
    upload(&shop, &ada, NOTHING, b"")
        .await
        .expect_problem(403, "forbidden");
    upload(&shop, &admin, NOTHING, &picture)
        .await
        .expect_problem(404, "not_found");
    upload(&shop, &admin, "none", &picture)
        .await
        .expect_problem(404, "not_found");
    let path = format!("/api/v1/products/{product}/images");
    let nobody = shop.request(Method::POST, &path).body(form(&[]));
    shop.send(nobody).await.expect_problem(401, "missing_token");

    let id = image["id"].as_str().unwrap();
    let other = shop.product(&admin, "LAMP", 100, 5).await;
    let gone = shop
        .delete_as(&ada, &format!("/products/{product}/images/{id}"))
        .await;
    gone.expect_problem(403, "forbidden");
    let gone = shop.request(Method::DELETE, &format!("{path}/{id}"));
    shop.send(gone).await.expect_problem(401, "missing_token");
    for path in [
        format!("/products/{other}/images/{id}"),
        format!("/products/{NOTHING}/images/{id}"),
        format!("/products/{product}/images/{NOTHING}"),
        format!("/products/{product}/images/none"),
    ] {
        shop.delete_as(&admin, &path)
            .await
            .expect_problem(404, "not_found");
    }
    assert_eq!(show(&shop, url(&image)).await.status, 200);
    shop.close().await;
}

#[tokio::test]
async fn what_is_known_is_not_sent_again_and_what_is_unknown_is_not_there() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let image = upload(&shop, &admin, &product, &png(900, 600))
        .await
        .expect(201);
    let small = format!("{}?size=small", url(&image));
    let (whole, scaled) = (show(&shop, url(&image)).await, show(&shop, &small).await);
    let (tag, other) = (whole.header("etag"), scaled.header("etag"));
    let asked = async |known: &str| {
        let request = shop.request(Method::GET, url(&image));
        shop.send(request.header("if-none-match", known)).await
    };
    for known in [
        tag.to_owned(),
        "*".to_owned(),
        format!("W/{tag}"),
        format!("\"a\", {tag}"),
    ] {
        let answer = asked(&known).await;
        assert_eq!(answer.status, 304, "{known}");
        assert_eq!(answer.text, "");
        assert_eq!(answer.header("etag"), Some(tag));
        assert!(
            answer
                .header("cache-control")
                .unwrap()
                .contains("immutable")
        );
    }
    for unknown in [other, "\"\"", "nonsense"] {
        assert_eq!(asked(unknown).await.status, 200, "{unknown}");
    }
    let head = shop
        .request(Method::HEAD, url(&image))
        .send()
        .await
        .unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["content-type"], "image/png");
    assert_eq!(
        head.headers()["content-length"],
        whole.bytes.len().to_string()
    );

    for key in [
        "0197f2f0a1b07c3e9d2b4c5d6e7f8091.png",
        "none",
        "..%2f..%2fetc%2fpasswd",
        "%00",
        "a.svg",
    ] {
        shop.get(&format!("/media/{key}"))
            .await
            .expect_problem(404, "not_found");
    }
    for size in ["large", "", "Small", "100"] {
        let path = url(&image).trim_start_matches("/api/v1");
        shop.get(&format!("{path}?size={size}"))
            .await
            .expect_invalid("size");
    }
    shop.close().await;
}

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
async fn an_upload_has_a_limit_in_bytes() {
    let shop = TestShop::open_with(Topology::default(), &["limits.upload_bytes=20KiB"]).await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let small = png(40, 40);
    upload(&shop, &admin, &product, &small).await.expect(201);
    // What is behind a picture belongs to the file.
    for (more, status) in [
        (20 * 1024 - small.len(), 201),
        (20 * 1024 - small.len() + 1, 413),
        (300_000, 413),
    ] {
        let padded = [&small[..], &vec![0; more]].concat();
        let answer = upload(&shop, &admin, &product, &padded).await;
        match status {
            201 => drop(answer.expect(201)),
            _ => drop(answer.expect_problem(413, "upload_too_large")),
        }
    }
    // Without a length, and never coming to an end.
    let mut raw = Raw::connect(&shop).await;
    let head = format!(
        "POST /api/v1/products/{product}/images HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {}\r\n\
         content-type: multipart/form-data; boundary=b\r\ntransfer-encoding: chunked\r\n\r\n",
        admin.token
    );
    raw.send(head).await;
    let part = "--b\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n";
    raw.send(format!("{:x}\r\n{part}\r\n", part.len())).await;
    for _ in 0..10 {
        raw.send(format!("1000\r\n{}\r\n", "x".repeat(0x1000)))
            .await;
    }
    raw.answer().await.expect_problem(413, "upload_too_large");
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

#[tokio::test]
async fn a_picture_is_not_added_to_nor_taken_from_a_product_that_has_changed() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let id = shop.product(&admin, "SOFA", 100, 5).await;
    let path = format!("/products/{id}");
    let tag = async || shop.get(&path).await.header("etag").unwrap().to_owned();
    let add = async |tag: &str| {
        let request = shop.upload(&admin, &id, form_of(&png(4, 4)));
        shop.send(request.header("if-match", tag)).await
    };
    let take = async |image: &Value, tag: &str| {
        let image = image["id"].as_str().unwrap();
        let path = format!("/api/v1{path}/images/{image}");
        let request = shop.request(Method::DELETE, &path);
        let request = request.bearer_auth(&admin.token).header("if-match", tag);
        shop.send(request).await
    };

    let stale = tag().await;
    shop.put_as(&admin, &format!("{path}/stock"), &json!({ "on_hand": 6 }))
        .await
        .expect(200);
    let now = tag().await;
    add(&stale).await.expect_problem(412, "precondition_failed");
    assert_eq!(tag().await, now);
    let image = add(&now).await.expect(201);

    let changed = tag().await;
    assert_ne!(changed, now);
    let answer = take(&image, &now).await;
    answer.expect_problem(412, "precondition_failed");
    assert_eq!(tag().await, changed);
    take(&json!({ "id": NOTHING }), &now)
        .await
        .expect_problem(404, "not_found");
    take(&image, &changed).await.expect(204);
    take(&image, "*").await.expect_problem(404, "not_found");

    let now = tag().await;
    let both = join_all([add(&now), add(&now)]).await;
    let mut statuses: Vec<u16> = both.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 412]);
    shop.close().await;
}
