//! People who come, order once, and want to be forgotten.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::json;

use crate::actors::ON_HAND;
use crate::client::{Ask, Client};
use crate::ledger::Ledger;

/// In all that tells of them, and in nothing else.
pub const NAME: &str = "guestling";
const BETWEEN: Duration = Duration::from_millis(200);

pub struct Guests<'a> {
    pub ledger: &'a Ledger,
    pub doors: &'a [SocketAddr],
    pub random: ChaCha8Rng,
    pub products: &'a [String],
    pub over: &'a AtomicBool,
}

impl Guests<'_> {
    /// One after the other, until it is over.
    pub async fn come_and_go(mut self) {
        for number in 0.. {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            let name = format!("{NAME}{number}");
            let guest = Client::register(self.ledger, self.doors, &name).await;
            self.order(&guest, &name).await;
            self.leave(&guest).await;
            self.ledger.book().guests += 1;
            tokio::time::sleep(BETWEEN).await;
        }
    }

    /// Asks once, whatever comes of it.
    async fn order(&mut self, guest: &Client<'_>, name: &str) {
        let product = &self.products[self.random.random_range(0..ON_HAND.len())];
        let items = json!([{ "product_id": product, "quantity": 1 }]);
        let ask = Ask {
            key: Some(name),
            ..Ask::post(
                "/orders".to_owned(),
                json!({ "items": items, "note": format!("for {name}") }),
            )
        };
        let door = guest.door(&mut self.random);
        let Some(answer) = guest.ask(door, &ask).await else {
            return;
        };
        match (answer.status.as_u16(), &answer.json["id"]) {
            (201, id) => {
                let id = id.as_str().unwrap().parse().unwrap();
                self.ledger.book().of_guests.insert(id);
            }
            (409, _) if answer.json["code"] == "insufficient_stock" => {}
            _ => self.ledger.wrong(format!("{name}: {answer:?}")),
        }
    }

    /// Until it is answered; 401 when the answer to an earlier one was lost.
    async fn leave(&mut self, guest: &Client<'_>) {
        let mut first = true;
        loop {
            let ask = Ask::delete("/users/me".to_owned());
            let door = guest.door(&mut self.random);
            match guest.ask(door, &ask).await {
                Some(answer) if answer.status == 204 => return,
                Some(answer) if answer.status == 401 && !first => return,
                Some(answer) => return self.ledger.wrong(format!("a guest leaves: {answer:?}")),
                None => first = false,
            }
        }
    }
}
