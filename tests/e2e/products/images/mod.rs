//! Pictures: taken in, shown, refused, removed.

mod cached;
mod kept;
mod refused;
mod shown;
mod uploads;

use image::DynamicImage;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::pictures::form_of;
use crate::support::{Answer, Customer, TestShop};

const NOTHING: &str = "0198c5a0-0000-7000-8000-000000000000";

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
