//! What is no picture, or too large.

use image::{DynamicImage, ImageFormat};
use serde_json::json;

use super::{send, upload};
use crate::support::pictures::{file, flag, form, png};
use crate::support::{Raw, TestShop, Topology};

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
