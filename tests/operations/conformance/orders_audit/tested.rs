use std::sync::Arc;

use ports::audit::Audit;
use ports::events::UserDeleted;
use ports::orders::RetellRequest;
use ports::{CallContext, Event, EventBody, Orders};
use ports_http::{Remote, Switch};
use uuid::Uuid;

use crate::conformance::bench::{Answered, Tested, answered};

impl Tested for dyn Orders {
    const CALLS: usize = 3;

    fn remote(remote: Remote) -> Arc<Self> {
        Arc::new(remote)
    }

    fn switch(switch: Switch<Self>) -> Arc<Self> {
        Arc::new(switch)
    }

    async fn each_call(&self, cx: &CallContext) -> Vec<(&'static str, Answered)> {
        let user_id = Uuid::now_v7();
        let deleted = Event::now(EventBody::UserDeleted(UserDeleted { user_id }));
        let retell = RetellRequest {
            order_ids: vec![Uuid::now_v7()],
        };
        let (handle, audit, retell) = tokio::join!(
            self.handle(cx.clone(), deleted),
            self.audit(cx.clone(), Audit::Of { ids: Vec::new() }),
            self.retell(cx.clone(), retell),
        );
        vec![
            ("handle", answered(handle)),
            ("audit", answered(audit)),
            ("retell", answered(retell)),
        ]
    }
}
