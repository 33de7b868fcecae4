use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{Answer, Customer, TestShop};

const BOUNDARY: &str = "a-line-that-is-in-no-picture";
pub const FORM: &str = "multipart/form-data; boundary=a-line-that-is-in-no-picture";

/// One field: its name, perhaps a file's name and type, and its bytes.
pub type Part<'a> = (&'a str, Option<(&'a str, &'a str)>, &'a [u8]);

/// A body of the type [`FORM`].
pub fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        let mut head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"");
        if let Some((file_name, kind)) = file {
            head += &format!("; filename=\"{file_name}\"\r\ncontent-type: {kind}");
        }
        body.extend_from_slice(format!("{head}\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Red on the left, blue on the right.
pub fn flag(width: u32, height: u32) -> DynamicImage {
    let colour = |x, _| match x < width / 2 {
        true => Rgb([220, 20, 20]),
        false => Rgb([20, 20, 220]),
    };
    RgbImage::from_fn(width, height, colour).into()
}

pub fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    file(&flag(width, height), ImageFormat::Png)
}

/// A form with a file and nothing else.
pub fn form_of(file: &[u8]) -> Vec<u8> {
    form(&[("file", Some(("picture", "application/octet-stream")), file)])
}

impl TestShop {
    pub fn upload(&self, who: &Customer, product: &str, form: Vec<u8>) -> RequestBuilder {
        let path = format!("/api/v1/products/{product}/images");
        let request = self.request(Method::POST, &path).bearer_auth(&who.token);
        request.header("content-type", FORM).body(form)
    }

    /// Gives a product a picture and tells of it.
    pub async fn picture(&self, admin: &Customer, product: &str) -> Value {
        let request = self.upload(admin, product, form_of(&png(3, 2)));
        let answer: Answer = self.send(request).await;
        answer.expect(201)
    }
}
