fn main() {
    println!("cargo:rerun-if-changed=../../migrations/orders");
    println!("cargo:rerun-if-changed=sqlx.toml");
}
