//! Who may call what: every operation of the public contract, one line each.
//!
//! Handlers ask for it in their signature (`Caller`, `Admin`, `MaybeCaller`); the OpenAPI document
//! says it from here, and the tests walk every operation in every role and hold what happens
//! against this table.

use Who::{Admin, AdminOverOwned, Anyone, Owner, User, Visitor};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A token is not looked at.
    Anyone,
    /// No token is needed; one that is there must be valid, and an administrator's shows more.
    Visitor,
    /// Whoever is signed in, for what is their own.
    User,
    /// Whose it is, and administrators. To anybody else it does not exist: 404.
    Owner,
    /// Administrators; 403 for other users.
    Admin,
    /// Administrators; 403 for whose it is, and to anybody else it does not exist.
    AdminOverOwned,
}

/// By module, in the order of the contract.
pub const TABLE: &[(&str, Who)] = &[
    // users
    ("POST /api/v1/auth/register", Anyone),
    ("POST /api/v1/auth/login", Anyone),
    ("POST /api/v1/auth/refresh", Anyone),
    ("POST /api/v1/auth/logout", Anyone),
    ("GET /api/v1/auth/me", User),
    ("GET /api/v1/auth/sessions", User),
    ("DELETE /api/v1/auth/sessions/{id}", User),
    ("PATCH /api/v1/users/me", User),
    ("PUT /api/v1/users/me/password", User),
    ("DELETE /api/v1/users/me", User),
    ("GET /api/v1/users/me/addresses", User),
    ("POST /api/v1/users/me/addresses", User),
    ("GET /api/v1/users/me/addresses/{id}", User),
    ("PUT /api/v1/users/me/addresses/{id}", User),
    ("DELETE /api/v1/users/me/addresses/{id}", User),
    ("GET /api/v1/users", Admin),
    ("GET /api/v1/users/{id}", Admin),
    ("PATCH /api/v1/users/{id}", Admin),
    ("GET /.well-known/jwks.json", Anyone),
    // products
    ("GET /api/v1/products", Visitor),
    ("POST /api/v1/products", Admin),
    ("GET /api/v1/products/{id}", Visitor),
    ("GET /api/v1/products/by-sku/{sku}", Visitor),
    ("PUT /api/v1/products/{id}", Admin),
    ("PATCH /api/v1/products/{id}", Admin),
    ("DELETE /api/v1/products/{id}", Admin),
    ("PUT /api/v1/products/{id}/stock", Admin),
    ("GET /api/v1/products/{id}/stock/adjustments", Admin),
    ("POST /api/v1/products/{id}/stock/adjustments", Admin),
    ("POST /api/v1/products/import", Admin),
    ("GET /api/v1/products/export", Admin),
    ("POST /api/v1/products/{id}/images", Admin),
    ("DELETE /api/v1/products/{id}/images/{image_id}", Admin),
    ("GET /api/v1/media/{key}", Anyone),
    ("GET /api/v1/categories", Anyone),
    ("POST /api/v1/categories", Admin),
    ("GET /api/v1/categories/{id}", Anyone),
    ("PUT /api/v1/categories/{id}", Admin),
    ("DELETE /api/v1/categories/{id}", Admin),
    // orders
    ("GET /api/v1/orders", User),
    ("POST /api/v1/orders", User),
    ("GET /api/v1/orders/{id}", Owner),
    ("GET /api/v1/orders/{id}/events", Owner),
    ("POST /api/v1/orders/{id}/cancel", Owner),
    ("POST /api/v1/orders/{id}/pay", AdminOverOwned),
    ("POST /api/v1/orders/{id}/ship", AdminOverOwned),
    ("POST /api/v1/orders/{id}/deliver", AdminOverOwned),
    ("GET /api/v1/cart", User),
    ("DELETE /api/v1/cart", User),
    ("PUT /api/v1/cart/items/{product_id}", User),
    ("DELETE /api/v1/cart/items/{product_id}", User),
    ("POST /api/v1/cart/checkout", User),
    ("GET /api/v1/webhooks", Admin),
    ("POST /api/v1/webhooks", Admin),
    ("GET /api/v1/webhooks/{id}", Admin),
    ("DELETE /api/v1/webhooks/{id}", Admin),
    ("GET /api/v1/webhooks/{id}/deliveries", Admin),
    // the process
    ("GET /api/v1/openapi.json", Anyone),
    ("GET /health", Anyone),
    ("GET /health/live", Anyone),
    ("GET /health/ready", Anyone),
    ("GET /health/{module}", Anyone),
];

/// Who may call the operation, named as in the OpenAPI document; `None` where it has no line.
pub fn who(method: &str, path: &str) -> Option<Who> {
    let line = TABLE
        .iter()
        .find(|(operation, _)| operation.split_once(' ') == Some((method, path)));
    line.map(|(_, who)| *who)
}
