//! The named places where a process may die.

/// A fail point, and what must be armed beside it so that it is passed.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub name: &'static str,
    pub beside: &'static str,
}

const fn point(name: &'static str) -> Point {
    Point { name, beside: "" }
}

/// A hold that is over before its order is stored.
const fn late(name: &'static str) -> Point {
    Point {
        name,
        beside: "orders.held=stall:3500",
    }
}

pub const POINTS: &[Point] = &[
    point("products.reserved"),
    point("orders.held"),
    point("orders.stored"),
    point("orders.changed"),
    point("outbox.claimed"),
    point("products.heard"),
    point("products.affected"),
    point("products.handled"),
    point("outbox.accepted"),
    point("outbox.deleted"),
    late("products.expired"),
    late("products.swept"),
];
