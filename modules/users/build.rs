fn main() {
    println!("cargo:rerun-if-changed=../../migrations/users");
    println!("cargo:rerun-if-changed=sqlx.toml");
}
