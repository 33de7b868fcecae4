//! Each kind of damage, done by statements.

use cleave::reconcile::{Figure, Kind};
use cleave::settings::Module::{self, Orders, Products};

pub enum Then {
    /// `--repair` puts it right.
    Repaired,
    /// `--repair` leaves it; these statements of the same database put it right.
    Left(&'static str),
}
use Then::{Left, Repaired};

/// Done to an order of three lamps of 19.99, of a hundred lamps.
pub struct Damage {
    pub kind: Kind,
    /// What became of the order before.
    pub life: &'static [&'static str],
    pub database: Module,
    /// `{order}`, `{reservation}` and `{product}` stand for their ids.
    pub statements: &'static str,
    pub expected: Figure,
    pub found: Figure,
    pub then: Then,
}

pub fn number(number: i64) -> Figure {
    Figure::Number(number)
}

fn word(word: &str) -> Figure {
    Figure::Word(word.to_owned())
}

pub fn damages() -> Vec<Damage> {
    let damage = |kind, database, statements, expected, found, then| Damage {
        kind,
        life: &[],
        database,
        statements,
        expected,
        found,
        then,
    };
    vec![
        damage(
            Kind::Reserved,
            Products,
            "update stock set reserved = reserved + 2 where product_id = '{product}'",
            number(3),
            number(5),
            Repaired,
        ),
        damage(
            Kind::OnHand,
            Products,
            "insert into stock_movements (product_id, delta, reason)
             values ('{product}', -4, 'past the shop')",
            number(96),
            number(100),
            Repaired,
        ),
        damage(
            Kind::AllocationMissing,
            Products,
            "update stock set reserved = reserved - 3 where product_id = '{product}';
             delete from reservations where id = '{reservation}'",
            number(3),
            number(0),
            Repaired,
        ),
        damage(
            Kind::AllocationMissing,
            Products,
            "update reservations set state = 'held', order_id = null, expires_at = now() + '1 h'
             where id = '{reservation}'",
            number(3),
            number(0),
            Repaired,
        ),
        damage(
            Kind::AllocationLeft,
            Orders,
            "update orders set status = 'cancelled', steps = 2 where id = '{order}';
             insert into order_history (order_id, step, status) values ('{order}', 2, 'cancelled')",
            number(0),
            number(3),
            Repaired,
        ),
        damage(
            Kind::AllocationClosed,
            Products,
            "update stock set reserved = reserved - 3, on_hand = on_hand - 3
             where product_id = '{product}';
             insert into stock_movements (product_id, delta, reason)
             values ('{product}', -3, 'past the shop');
             delete from reservation_lines where reservation_id = '{reservation}';
             update reservations set state = 'closed', closed_as = 'shipped'
             where id = '{reservation}'",
            number(3),
            number(0),
            Left(
                "update stock set reserved = reserved + 3, on_hand = on_hand + 3
                 where product_id = '{product}';
                 insert into stock_movements (product_id, delta, reason)
                 values ('{product}', 3, 'past the shop');
                 insert into reservation_lines
                 select '{reservation}', id, 3, sku, name, price_minor, currency
                 from products where id = '{product}';
                 update reservations set state = 'allocated', closed_as = null
                 where id = '{reservation}'",
            ),
        ),
        damage(
            Kind::AllocationDiffers,
            Products,
            "update reservation_lines set quantity = 5 where reservation_id = '{reservation}';
             update stock set reserved = reserved + 2 where product_id = '{product}'",
            number(3),
            number(5),
            Left(
                "update reservation_lines set quantity = 3 where reservation_id = '{reservation}';
                 update stock set reserved = reserved - 2 where product_id = '{product}'",
            ),
        ),
        damage(
            Kind::AllocationOfAnother,
            Products,
            "update reservations set order_id = '{other}' where id = '{reservation}'",
            word("{order}"),
            word("{other}"),
            Left("update reservations set order_id = '{order}' where id = '{reservation}'"),
        ),
        damage(
            Kind::AllocationWithoutOrder,
            Products,
            "insert into reservations (id, state, order_id)
             values ('{other}', 'allocated', '{other}');
             insert into reservation_lines
             select '{other}', product_id, 2, sku, name, unit_price_minor, currency
             from reservation_lines where reservation_id = '{reservation}';
             update stock set reserved = reserved + 2 where product_id = '{product}'",
            number(0),
            number(2),
            Left(
                "update stock set reserved = reserved - 2 where product_id = '{product}';
                 delete from reservations where id = '{other}'",
            ),
        ),
        damage(
            Kind::OrderTotal,
            Orders,
            "update orders set total_minor = 1 where id = '{order}'",
            number(5_997),
            number(1),
            Left("update orders set total_minor = 5997 where id = '{order}'"),
        ),
        damage(
            Kind::OrderStatus,
            Orders,
            "update order_history set status = 'paid' where order_id = '{order}'",
            word("paid"),
            word("placed"),
            Left("update order_history set status = 'placed' where order_id = '{order}'"),
        ),
        damage(
            Kind::OrderSteps,
            Orders,
            "update orders set steps = 7 where id = '{order}'",
            number(1),
            number(7),
            Left("update orders set steps = 1 where id = '{order}'"),
        ),
        damage(
            Kind::EventParked,
            Orders,
            "insert into outbox (event_id, subscriber, aggregate_id, event, parked_at)
             values (gen_random_uuid(), 'products', '{order}', '{}', now())",
            number(0),
            number(1),
            Left("delete from outbox where aggregate_id = '{order}'"),
        ),
        damage(
            Kind::EventFailing,
            Orders,
            "insert into outbox (event_id, subscriber, aggregate_id, event, attempts, due_at)
             values (gen_random_uuid(), 'products', '{order}', '{}', 3, now() + '1 h')",
            number(0),
            number(3),
            Left("delete from outbox where aggregate_id = '{order}'"),
        ),
        damage(
            Kind::AllocationDiffers,
            Products,
            "delete from reservation_lines where reservation_id = '{reservation}'",
            number(3),
            number(0),
            Left(
                "insert into reservation_lines
                 select '{reservation}', id, 3, sku, name, price_minor, currency
                 from products where id = '{product}'",
            ),
        ),
        // More than there is.
        damage(
            Kind::Reserved,
            Products,
            "insert into reservations (id, state, expires_at)
             values ('{other}', 'held', now() + '1 h');
             insert into reservation_lines
             select '{other}', product_id, 98, sku, name, unit_price_minor, currency
             from reservation_lines where reservation_id = '{reservation}'",
            number(101),
            number(3),
            Left("delete from reservations where id = '{other}'"),
        ),
        Damage {
            life: &["pay", "ship"],
            ..damage(
                Kind::AllocationLeft,
                Products,
                "insert into reservation_lines
                 select '{reservation}', id, 3, sku, name, price_minor, currency
                 from products where id = '{product}';
                 update stock set reserved = reserved + 3, on_hand = on_hand + 3
                 where product_id = '{product}';
                 delete from stock_movements where order_id = '{order}';
                 update reservations set state = 'allocated', closed_as = null
                 where id = '{reservation}'",
                number(0),
                number(3),
                Repaired,
            )
        },
        Damage {
            life: &["pay", "ship"],
            ..damage(
                Kind::ClosedAs,
                Products,
                "delete from reservations where id = '{reservation}'",
                word("shipped"),
                word("none"),
                Left(
                    "insert into reservations (id, state, closed_as, order_id)
                     values ('{reservation}', 'closed', 'shipped', '{order}')",
                ),
            )
        },
        Damage {
            life: &["cancel"],
            ..damage(
                Kind::ClosedAs,
                Products,
                "update reservations set closed_as = 'shipped' where id = '{reservation}'",
                word("released"),
                word("shipped"),
                Left("update reservations set closed_as = 'released' where id = '{reservation}'"),
            )
        },
        Damage {
            life: &["cancel"],
            ..damage(
                Kind::ClosedHoldsStock,
                Products,
                "insert into reservation_lines
                 select '{reservation}', id, 3, sku, name, price_minor, currency
                 from products where id = '{product}';
                 update stock set reserved = reserved + 3 where product_id = '{product}'",
                number(0),
                number(3),
                Left(
                    "delete from reservation_lines where reservation_id = '{reservation}';
                     update stock set reserved = reserved - 3 where product_id = '{product}'",
                ),
            )
        },
    ]
}
