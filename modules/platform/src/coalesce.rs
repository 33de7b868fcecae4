//! What arrives while work is under way goes into the next round together.
//!
//! As a database commits in groups: whoever comes when there is room begins at once and alone, and
//! under load a round is as large as the one before it was long. No timer, and nothing is waited for
//! that is not under way.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Many askers, few rounds of work; cheap to clone.
pub struct Coalescer<Q, A> {
    shared: Arc<Shared<Q, A>>,
}

/// How much goes on at once.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Rounds under way at a time; at least one.
    pub rounds: usize,
    /// Questions in one round; at least one.
    pub questions: usize,
}

/// The work broke off before it had an answer, and whether it had its effect is not known.
#[derive(Debug, thiserror::Error)]
#[error("the work broke off")]
pub struct BrokeOff;

type Round<A> = Pin<Box<dyn Future<Output = Vec<A>> + Send>>;

struct Shared<Q, A> {
    room: Room,
    work: Box<dyn Fn(Vec<Q>) -> Round<A> + Send + Sync>,
    state: Mutex<State<Q, A>>,
}

struct State<Q, A> {
    waiting: VecDeque<(Q, oneshot::Sender<A>)>,
    under_way: usize,
}

impl<Q: Send + 'static, A: Send + 'static> Coalescer<Q, A> {
    /// `work` answers each question of a round, in their order.
    pub fn new<F>(room: Room, work: impl Fn(Vec<Q>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Vec<A>> + Send + 'static,
    {
        let state = State {
            waiting: VecDeque::new(),
            under_way: 0,
        };
        Self {
            shared: Arc::new(Shared {
                room,
                work: Box::new(move |questions| Box::pin(work(questions))),
                state: Mutex::new(state),
            }),
        }
    }

    /// Whoever gives up before the round of the question begins is left out of it; after that the
    /// work goes on without them.
    pub async fn ask(&self, question: Q) -> Result<A, BrokeOff> {
        let (tell, told) = oneshot::channel();
        let begins = {
            let mut state = self.shared.state();
            state.waiting.push_back((question, tell));
            let begins = state.under_way < self.shared.room.rounds;
            state.under_way += usize::from(begins);
            begins
        };
        if begins {
            // A task of its own, which does not end with the one who happened to begin it.
            let under_way = UnderWay {
                shared: Arc::clone(&self.shared),
                is_over: false,
            };
            tokio::spawn(under_way.go_on());
        }
        told.await.map_err(|_| BrokeOff)
    }
}

impl<Q, A> Shared<Q, A> {
    /// Nobody can panic while it is locked, and if: it is whole between any two steps.
    fn state(&self) -> MutexGuard<'_, State<Q, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the rounds that there is room for.
struct UnderWay<Q, A> {
    shared: Arc<Shared<Q, A>>,
    is_over: bool,
}

impl<Q, A> UnderWay<Q, A> {
    async fn go_on(mut self) {
        while let Some((questions, askers)) = self.next() {
            let answers = (self.shared.work)(questions).await;
            for (asker, answer) in askers.into_iter().zip(answers) {
                // Who has given up meanwhile hears nothing.
                let _ = asker.send(answer);
            }
        }
    }

    /// What waits now. When nothing does, this is over before anybody else can come.
    fn next(&mut self) -> Option<(Vec<Q>, Vec<oneshot::Sender<A>>)> {
        let mut state = self.shared.state();
        let most = self.shared.room.questions.min(state.waiting.len());
        let (mut questions, mut askers) = (Vec::with_capacity(most), Vec::with_capacity(most));
        while questions.len() < most {
            let Some((question, asker)) = state.waiting.pop_front() else {
                break;
            };
            if !asker.is_closed() {
                questions.push(question);
                askers.push(asker);
            }
        }
        if questions.is_empty() {
            state.under_way -= 1;
            self.is_over = true;
            return None;
        }
        Some((questions, askers))
    }
}

/// The work panicked, or its runtime ends. Its askers hear of it as their senders are dropped, and so
/// do those whom nobody else would call.
impl<Q, A> Drop for UnderWay<Q, A> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut state = self.shared.state();
        state.under_way -= 1;
        if state.under_way == 0 {
            state.waiting.clear();
        }
    }
}

impl<Q, A> Clone for Coalescer<Q, A> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<Q, A> fmt::Debug for Coalescer<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coalescer")
            .field("room", &self.shared.room)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::sync::Semaphore;
    use tokio::task::JoinHandle;

    use super::*;

    const ONE_AT_A_TIME: Room = Room {
        rounds: 1,
        questions: 4,
    };

    /// Answers with what it was asked, when it is let.
    struct Echo {
        let_go: Semaphore,
        rounds: Mutex<Vec<Vec<u32>>>,
    }

    fn echo(room: Room) -> (Coalescer<u32, u32>, Arc<Echo>) {
        let echo = Arc::new(Echo {
            let_go: Semaphore::new(0),
            rounds: Mutex::default(),
        });
        let working = Arc::clone(&echo);
        let coalescer = Coalescer::new(room, move |questions: Vec<u32>| {
            let echo = Arc::clone(&working);
            echo.rounds.lock().unwrap().push(questions.clone());
            async move {
                echo.let_go.acquire().await.unwrap().forget();
                questions
            }
        });
        (coalescer, echo)
    }

    impl Echo {
        fn rounds(&self) -> Vec<Vec<u32>> {
            self.rounds.lock().unwrap().clone()
        }
    }

    fn asked(coalescer: &Coalescer<u32, u32>, question: u32) -> JoinHandle<Result<u32, BrokeOff>> {
        let coalescer = coalescer.clone();
        tokio::spawn(async move { coalescer.ask(question).await })
    }

    /// Lets all tasks go as far as they can.
    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_comes_meanwhile_goes_together_and_each_gets_its_own_answer() {
        let (coalescer, echo) = echo(ONE_AT_A_TIME);
        let mut all = Vec::new();
        for question in 0..7 {
            all.push(asked(&coalescer, question));
            settle().await;
        }
        assert_eq!(echo.rounds(), [[0]]);
        echo.let_go.add_permits(3);
        let answers = join_all(all).await.into_iter();
        let answers: Vec<u32> = answers.map(|answer| answer.unwrap().unwrap()).collect();
        assert_eq!(answers, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(echo.rounds(), [vec![0], vec![1, 2, 3, 4], vec![5, 6]]);
    }

    #[tokio::test]
    async fn nobody_waits_while_there_is_room() {
        let room = Room {
            rounds: 3,
            questions: 4,
        };
        let (coalescer, echo) = echo(room);
        let mut all = Vec::new();
        for question in 0..5 {
            all.push(asked(&coalescer, question));
            settle().await;
        }
        assert_eq!(echo.rounds(), [[0], [1], [2]]);
        echo.let_go.add_permits(4);
        join_all(all).await;
        assert_eq!(echo.rounds(), [vec![0], vec![1], vec![2], vec![3, 4]]);
    }

    #[tokio::test]
    async fn who_gives_up_before_its_round_is_not_in_it() {
        let (coalescer, echo) = echo(ONE_AT_A_TIME);
        let first = asked(&coalescer, 0);
        settle().await;
        let impatient = asked(&coalescer, 1);
        settle().await;
        impatient.abort();
        // Its round goes on without it, too.
        first.abort();
        settle().await;
        echo.let_go.add_permits(2);
        assert_eq!(coalescer.ask(2).await.unwrap(), 2);
        assert_eq!(echo.rounds(), [[0], [2]]);
    }

    #[tokio::test]
    async fn a_panic_is_told_to_everybody_it_concerns_and_ends_nothing_else() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let coalescer = Coalescer::new(ONE_AT_A_TIME, move |questions: Vec<u32>| {
            let call = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::task::yield_now().await;
                assert!(call > 0, "the first one breaks off");
                questions
            }
        });
        let answers = join_all((0..3).map(|question| coalescer.ask(question))).await;
        assert!(answers.iter().all(Result::is_err));
        assert_eq!(coalescer.ask(3).await.unwrap(), 3);
    }
}
