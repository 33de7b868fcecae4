use std::collections::BTreeMap;

use super::*;
use crate::import::category::Category;
use crate::import::change::{Attributes, Change, Cleared};

const HEADER: &str = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,\
    Option2 Name,Option2 Value,Variant SKU,Variant Grams,Variant Inventory Qty,Variant Price,Image Src,Variant Image,Status";

fn cells(record: &str) -> Cells {
    let mut cells = Cells::new();
    cells.parse(record.as_bytes()).unwrap();
    cells
}

struct File(Shopify);

impl File {
    fn new() -> Self {
        Self(Shopify::new(&cells(HEADER), Currency::USD).unwrap())
    }

    fn read(&mut self, record: &str) -> Result<Vec<Entry>, String> {
        self.0.read(&cells(record))
    }

    fn product(&mut self, record: &str) -> Change {
        match self.read(record).unwrap().pop() {
            Some(Entry::Product(change)) => *change,
            other => panic!("{record} -> {other:?}"),
        }
    }

    fn fault(&mut self, record: &str) -> String {
        self.read(record).unwrap_err()
    }
}

fn attribute<'a>(change: &'a Change, name: &str) -> Option<&'a str> {
    let attributes = change.attributes.as_ref()?;
    attributes.map().get(name).map(String::as_str)
}

#[test]
fn a_row_with_a_price_is_a_product() {
    let mut file = File::new();
    let mug = file.product(
        r#"mug,Tea Mug,"<p>Holds <b>tea</b> &amp; more</p>",Kiln,Kitchen,"Tea, Clay",true,Title,Default Title,,,,250,3,9.99,https://x.test/mug.jpg,,active"#,
    );
    let wanted = Change {
        id: uuid::Uuid::nil(),
        sku: "mug".to_owned(),
        name: Some("Tea Mug".to_owned()),
        description: Some("Holds tea & more".to_owned()),
        price_minor: Some(999),
        category: Some(Cleared::To(Category::root("Kitchen"))),
        handle: Some(Cleared::To("mug".to_owned())),
        attributes: Some(Attributes::Merge(BTreeMap::from(
            [
                ("image_src", "https://x.test/mug.jpg"),
                ("tags", "Tea, Clay"),
                ("vendor", "Kiln"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        ))),
        is_active: Some(true),
        on_hand: Some(3),
    };
    assert_eq!(mug, wanted);
}

#[test]
fn variants_carry_what_the_first_row_tells() {
    let mut file = File::new();
    let small = file.product(
        "top,Top,Soft.,Loom,Tops,,true,Size,Small,Color,Red,,,1,60,https://x.test/1.jpg,,",
    );
    let large =
        file.product("top,,,,,,,,Large,,Sky Blue,,,0,\"1,060.5\",,https://x.test/blue.jpg,");
    assert_eq!(small.name.as_deref(), Some("Top - Small / Red"));
    assert_eq!(large.name.as_deref(), Some("Top - Large / Sky Blue"));
    assert_eq!(large.sku, "top-large-sky-blue");
    assert_eq!(large.price_minor, Some(106_050));
    assert_eq!(large.description.as_deref(), Some("Soft."));
    assert_eq!(attribute(&large, "Size"), Some("Large"));
    assert_eq!(attribute(&large, "Color"), Some("Sky Blue"));
    assert_eq!(attribute(&large, "vendor"), Some("Loom"));
    assert_eq!(attribute(&small, "image_src"), Some("https://x.test/1.jpg"));
    assert_eq!(
        attribute(&large, "image_src"),
        Some("https://x.test/blue.jpg")
    );

    // Another product may stand between, and a SKU of its own is kept.
    file.product("mug,Mug,,,,,true,Title,Default Title,,,MUG-1,,1,5,,,");
    let medium = file.product("top,,,,,,,,Medium,,Red,TOP-M,,1,60,https://x.test/2.jpg,,");
    assert_eq!(medium.sku, "TOP-M");
    assert_eq!(
        attribute(&medium, "image_src"),
        Some("https://x.test/1.jpg")
    );
}

#[test]
fn a_row_with_an_image_only_serves_products_without() {
    let mut file = File::new();
    file.product("ring,Ring,,,,,true,Size,S,,,,,1,10,,,");
    file.product("ring,,,,,,,,M,,,,,1,10,,,");
    let image = "ring,,,,,,,,,,,,,,,https://x.test/r.jpg,,";
    let wanted = Entry::Image {
        skus: vec!["ring-s".to_owned(), "ring-m".to_owned()],
        url: "https://x.test/r.jpg".to_owned(),
    };
    assert_eq!(file.read(image), Ok(vec![wanted]));
    assert_eq!(
        file.read("ring,,,,,,,,,,,,,,,https://x.test/2.jpg,,"),
        Ok(vec![])
    );
    let late = file.product("ring,,,,,,,,L,,,,,1,10,,,");
    assert_eq!(attribute(&late, "image_src"), Some("https://x.test/r.jpg"));
}

#[test]
fn is_inactive_when_unpublished_draft_or_archived() {
    let mut file = File::new();
    for (published, status, active) in [
        ("TRUE", "active", true),
        ("", "", true),
        ("false", "active", false),
        ("true", "Draft", false),
        ("true", "archived", false),
    ] {
        let handle = format!("h{published}{status}");
        let row = format!("{handle},T,,,,,{published},Title,Default Title,,,,,1,1,,,{status}");
        assert_eq!(file.product(&row).is_active, Some(active), "{row}");
    }
}

#[test]
fn an_oversold_variant_has_none_on_hand() {
    let mut file = File::new();
    let row = |quantity| format!("h,T,,,,,true,Title,Default Title,,,,,{quantity},1,,,");
    assert_eq!(file.product(&row("-4")).on_hand, Some(0));
    assert_eq!(file.product(&row("")).on_hand, None);
    assert!(
        file.fault(&row("some"))
            .starts_with("Variant Inventory Qty: ")
    );
}

#[test]
fn names_the_column_of_a_bad_row() {
    let mut file = File::new();
    for (row, column) in [
        (",T,,,,,true,,,,,,,1,1,,,", "Handle: "),
        ("a,,,,,,,,,,,,,1,1,,,", "Title: "),
        ("a,,,,,,,,,,,,,,,https://x.test/1.jpg,,", "Title: "),
        ("b,T,,,,,true,,,,,,,1,free,,,", "Variant Price: "),
        ("c,T,,,,,true,,,,,,,1,9.999,,,", "Variant Price: "),
        ("d,T,,,,,true,,,,,,,1,,,,", "Variant Price: "),
        ("e,T,,,,,maybe,,,,,,,1,1,,,", "Published: "),
        ("f,T,,,,,true,,,,,,,1,1,,,gone", "Status: "),
        ("g h,T,,,,,true,,,,,,,1,1,,,", "Handle: "),
        ("short,T", "the record has 2 fields"),
    ] {
        let message = file.fault(row);
        assert!(message.starts_with(column), "{row} -> {message}");
    }
    assert_eq!(file.read(",,,,,,,,,,,,,,,,,"), Ok(vec![]));
}

#[test]
fn a_handle_falls_with_its_first_row() {
    let mut file = File::new();
    file.fault("top,Top,,,,,true,Size,S,,,,,1,x,,,");
    assert!(
        file.fault("top,,,,,,,,M,,,,,1,5,,,")
            .starts_with("Handle: ")
    );
    assert!(
        file.fault("top,,,,,,,,,,,,,,,https://x.test/1.jpg,,")
            .starts_with("Handle: ")
    );
    file.product("top,Top,,,,,true,Size,S,,,,,1,5,,,");
    file.fault("top,,,,,,,,M,,,,,1,x,,,");
    assert_eq!(file.product("top,,,,,,,,L,,,,,1,5,,,").sku, "top-l");
}

#[test]
fn reads_the_newer_names_of_the_columns() {
    let header = "Title,URL handle,Description,Published on online store,Status,SKU,Option1 name,Option1 value,Price,Inventory quantity,Product image URL";
    assert!(Header::is_shopify(&cells(header)));
    let mut file = File(Shopify::new(&cells(header), Currency::USD).unwrap());
    let mug =
        file.product("Mug,mug,Blue.,TRUE,Active,M-1,Title,Default Title,5,2,https://x.test/m.jpg");
    assert_eq!(
        (mug.sku.as_str(), mug.price_minor, mug.on_hand),
        ("M-1", Some(500), Some(2))
    );
    assert!(!Header::is_shopify(&cells("sku,name,handle")));
    assert!(Shopify::new(&cells("Handle,Title"), Currency::USD).is_err());
}

#[test]
fn remembers_so_many_handles() {
    let mut file = File::new();
    for number in 0..2_000 {
        file.product(&format!("h{number},T,,,,,true,Size,S,,,,,1,1,,,"));
    }
    file.product("h1999,,,,,,,,M,,,,,1,1,,,");
    file.fault("h0,,,,,,,,M,,,,,1,1,,,");
    assert_eq!(file.0.handles.len(), REMEMBERED);
}

#[test]
fn a_handle_has_so_many_variants() {
    let row = |number: usize, image: &str| {
        let title = if number == 0 { "Tee" } else { "" };
        format!("tee,{title},,,,,,No,{number},,,,,,1,{image},,")
    };
    let mut file = File::new();
    for number in 0..MAX_VARIANTS {
        assert_eq!(file.read(&row(number, "")).unwrap().len(), 1);
    }
    let fault = file.fault(&row(MAX_VARIANTS, ""));
    assert_eq!(fault, "Handle: has more than 2048 variants");
    let facts = &file.0.handles["tee"];
    assert_eq!(facts.skus.len(), MAX_VARIANTS);

    let image = file
        .read("tee,,,,,,,,,,,,,,,https://x.test/1.jpg,,")
        .unwrap();
    assert!(matches!(&image[..], [Entry::Image { skus, .. }] if skus.len() == MAX_VARIANTS));
    assert!(file.0.handles["tee"].skus.is_empty());
}
