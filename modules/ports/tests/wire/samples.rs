use ports::audit::Audit;
use ports::events::{
    OrderCancelled, OrderDelivered, OrderPaid, OrderPlaced, OrderShipped, UserDeactivated,
    UserDeleted, UserReactivated,
};
use ports::orders::{OrderBook, OrderBooks, OrderFault, OrderStatus, RetellRequest};
use ports::products::{
    ClosedAs, EventRejection, ProductSnapshot, ReleaseRequest, RepairRequest, Reservation,
    ReservationBook, ReservationBooks, ReservationState, ReserveLine, ReserveRejection,
    ReserveRequest, ReservedLine, Shortage, SnapshotRequest, StockBook, StockBooks,
};
use ports::users::{
    Account, AccountRejection, AccountRequest, Address, AddressRejection, AddressRequest, Role,
};
use ports::{Currency, Event, EventBody, Failure, Money};
use time::macros::datetime;
use uuid::{Uuid, uuid};

use crate::sample::{Sample, each_variant};

const USER: Uuid = uuid!("01937f6e-0000-7000-8000-000000000001");
const SESSION: Uuid = uuid!("01937f6e-0000-7000-8000-000000000002");
const SOFA: Uuid = uuid!("01937f6e-0000-7000-8000-000000000003");
const LAMP: Uuid = uuid!("01937f6e-0000-7000-8000-000000000004");
const RESERVATION: Uuid = uuid!("01937f6e-0000-8000-8000-000000000005");
const ORDER: Uuid = uuid!("01937f6e-0000-7000-8000-000000000006");
const EVENT: Uuid = uuid!("01937f6e-0000-7000-8000-000000000007");
const HOME: Uuid = uuid!("01937f6e-0000-7000-8000-000000000008");

const PRICE: Money = Money::new(49_900, Currency::EUR);
const LINE: ReserveLine = ReserveLine {
    product_id: SOFA,
    quantity: 2,
};
const SHORTAGE: Shortage = Shortage {
    product_id: SOFA,
    requested: 2,
    available: 1,
};
const CANCELLED: OrderCancelled = OrderCancelled {
    order_id: ORDER,
    reservation_id: RESERVATION,
};

/// Of every type that crosses the wire.
pub fn samples() -> Vec<Sample> {
    [common(), users(), products(), events(), books()].concat()
}

fn common() -> Vec<Sample> {
    let mut samples = each_variant!(Failure {
        Timeout,
        Unavailable,
        Internal
    });
    samples.push(Sample::new("", &PRICE));
    samples
}

fn users() -> Vec<Sample> {
    let account = Account {
        user_id: USER,
        is_active: true,
        role: Role::Customer,
    };
    let request = AccountRequest {
        user_id: USER,
        session_id: Some(SESSION),
    };
    let without_session = AccountRequest {
        user_id: USER,
        session_id: None,
    };
    let address_request = AddressRequest {
        user_id: USER,
        address_id: HOME,
    };
    let address = Address {
        id: HOME,
        name: "Anna Schmidt".to_owned(),
        line1: "Unter den Linden 1".to_owned(),
        line2: None,
        city: "Berlin".to_owned(),
        region: None,
        postal_code: "10117".to_owned(),
        country: "DE".to_owned(),
        phone: None,
        is_default: true,
    };
    let in_full = Address {
        line2: Some("c/o Meyer".to_owned()),
        region: Some("Berlin".to_owned()),
        phone: Some("+49 30 901820".to_owned()),
        is_default: false,
        ..address.clone()
    };
    [
        vec![
            Sample::new("", &request),
            Sample::new("WithoutSession", &without_session),
            Sample::new("", &account),
            Sample::new("", &address_request),
            Sample::new("", &address),
            Sample::new("InFull", &in_full),
        ],
        each_variant!(Role { Customer, Admin }),
        each_variant!(AccountRejection {
            UnknownAccount,
            SessionEnded
        }),
        each_variant!(AddressRejection { UnknownAddress }),
    ]
    .concat()
}

fn products() -> Vec<Sample> {
    let snapshot = ProductSnapshot {
        product_id: SOFA,
        sku: "SOFA-2".to_owned(),
        name: "Sofa".to_owned(),
        unit_price: PRICE,
        available: 7,
        is_active: true,
    };
    let snapshot_request = SnapshotRequest {
        product_ids: vec![SOFA, LAMP],
    };
    let reserved = ReservedLine {
        product_id: SOFA,
        sku: "SOFA-2".to_owned(),
        name: "Sofa".to_owned(),
        quantity: 2,
        unit_price: PRICE,
    };
    let reserve = ReserveRequest {
        reservation_id: RESERVATION,
        lines: vec![LINE],
    };
    let reservation = Reservation {
        reservation_id: RESERVATION,
        lines: vec![reserved.clone()],
    };
    let release = ReleaseRequest {
        reservation_id: RESERVATION,
    };
    let requests = vec![
        Sample::new("", &snapshot_request),
        Sample::new("", &snapshot),
        Sample::new("", &reserve),
        Sample::new("", &LINE),
        Sample::new("", &reservation),
        Sample::new("", &reserved),
        Sample::new("", &release),
        Sample::new("", &SHORTAGE),
    ];
    let rejections = each_variant!(ReserveRejection {
        UnknownProducts { product_ids: vec![SOFA, LAMP] },
        InsufficientStock { products: vec![SHORTAGE] },
        ReservationClosed,
    });
    let of_events = each_variant!(EventRejection {
        OutOfStock { products: vec![SHORTAGE] },
        NotAllocated,
    });
    [requests, rejections, of_events].concat()
}

fn events() -> Vec<Sample> {
    let placed = OrderPlaced {
        order_id: ORDER,
        reservation_id: RESERVATION,
        lines: vec![LINE],
    };
    let shipped = OrderShipped {
        order_id: ORDER,
        reservation_id: RESERVATION,
    };
    let event = Event {
        id: EVENT,
        occurred_at: datetime!(2026-11-22 10:00:00.123456 UTC),
        body: EventBody::OrderCancelled(CANCELLED),
    };
    let mut samples = each_variant!(EventBody {
        OrderPlaced(placed.clone()),
        OrderPaid(OrderPaid { order_id: ORDER }),
        OrderShipped(shipped.clone()),
        OrderDelivered(OrderDelivered { order_id: ORDER }),
        OrderCancelled(CANCELLED),
        UserDeactivated(UserDeactivated { user_id: USER }),
        UserReactivated(UserReactivated { user_id: USER }),
        UserDeleted(UserDeleted { user_id: USER }),
    });
    samples.extend([
        Sample::new("", &event),
        Sample::new("", &placed),
        Sample::new("", &CANCELLED),
        Sample::new("", &OrderPaid { order_id: ORDER }),
        Sample::new("", &shipped),
        Sample::new("", &OrderDelivered { order_id: ORDER }),
        Sample::new("", &UserDeactivated { user_id: USER }),
        Sample::new("", &UserReactivated { user_id: USER }),
        Sample::new("", &UserDeleted { user_id: USER }),
    ]);
    samples
}

fn books() -> Vec<Sample> {
    let order = OrderBook {
        order_id: ORDER,
        number: "7KQ2-M4XD".to_owned(),
        status: OrderStatus::Paid,
        steps: 2,
        reservation_id: RESERVATION,
        lines: vec![LINE],
        pending: 1,
        parked: 0,
        attempts: 3,
        faults: vec![OrderFault::Total {
            lines: 1_999,
            order: 2_000,
        }],
    };
    let reservation = ReservationBook {
        reservation_id: RESERVATION,
        state: ReservationState::Closed,
        closed_as: Some(ClosedAs::Shipped),
        order_id: Some(ORDER),
        overdue_s: None,
        lines: vec![LINE],
    };
    let hold = ReservationBook {
        state: ReservationState::Held,
        closed_as: None,
        order_id: None,
        overdue_s: Some(60),
        ..reservation.clone()
    };
    let stock = StockBook {
        product_id: SOFA,
        sku: "SOFA-2".to_owned(),
        on_hand: 5,
        reserved: 2,
        lines: 2,
        movements: 5,
    };
    let order_books = OrderBooks {
        orders: vec![order.clone()],
        next: Some(ORDER),
    };
    let reservation_books = ReservationBooks {
        reservations: vec![reservation.clone()],
        next: None,
    };
    let stock_books = StockBooks {
        products: vec![stock.clone()],
        next: Some(SOFA),
    };
    let retell = RetellRequest {
        order_ids: vec![ORDER],
    };
    let repair = RepairRequest {
        product_ids: vec![SOFA, LAMP],
        holds: vec![RESERVATION],
    };
    [
        each_variant!(Audit {
            After { id: Some(ORDER), limit: 1_000 },
            Of { ids: vec![ORDER] },
        }),
        each_variant!(OrderStatus {
            Placed,
            Paid,
            Shipped,
            Delivered,
            Cancelled
        }),
        each_variant!(OrderFault {
            Total { lines: 1_999, order: 2_000 },
            Status { history: Some("placed".to_owned()), order: "paid".to_owned() },
            Steps { history: 1, order: 2 },
        }),
        each_variant!(ReservationState {
            Held,
            Allocated,
            Closed
        }),
        each_variant!(ClosedAs { Released, Shipped }),
        vec![
            Sample::new("", &order),
            Sample::new("", &reservation),
            Sample::new("OfAHold", &hold),
            Sample::new("", &stock),
            Sample::new("", &order_books),
            Sample::new("", &reservation_books),
            Sample::new("", &stock_books),
            Sample::new("", &retell),
            Sample::new("", &repair),
        ],
    ]
    .concat()
}
