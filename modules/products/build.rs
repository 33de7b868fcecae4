fn main() {
    println!("cargo:rerun-if-changed=../../migrations/products");
    println!("cargo:rerun-if-changed=sqlx.toml");
}
