use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::{Instant, advance, timeout};

use super::{Admission, Admitted, CANDIDATES, InUse, ListenerCounters, MAX_CLOSING, MIN_IDLE};
use crate::config::Address;

const MOMENT: Duration = MIN_IDLE;

fn room(limit: usize) -> (Arc<Admission>, Arc<ListenerCounters>) {
    let admission = Admission::new(limit);
    let counters = admission.listener(&Address::Tcp("a:1".to_owned()));
    (admission, counters)
}

/// Admits a connection, a moment later.
async fn connect(admission: &Arc<Admission>, counters: &Arc<ListenerCounters>) -> Admitted {
    advance(MOMENT).await;
    let admitted = timeout(Duration::from_secs(1), admission.admit(counters));
    admitted
        .await
        .expect("there is room, or a connection is idle")
}

fn claimed(places: &[Admitted]) -> Vec<usize> {
    let places = places.iter().enumerate();
    let claimed = places.filter(|(_, place)| place.slot().is_claimed());
    claimed.map(|(number, _)| number).collect()
}

#[tokio::test(start_paused = true)]
async fn the_connection_that_has_been_idle_longest_is_closed() {
    let (admission, counters) = room(4);
    let mut places = Vec::new();
    for _ in 0..4 {
        places.push(connect(&admission, &counters).await);
    }
    // The first is busy, the second was.
    let busy = places[0].slot().begin();
    advance(MOMENT).await;
    drop(places[1].slot().begin());
    for expected in [vec![2], vec![2, 3], vec![1, 2, 3]] {
        places.push(connect(&admission, &counters).await);
        assert_eq!(claimed(&places), expected);
    }
    let stats = admission.stats();
    assert_eq!((stats.limit, stats.open), (4, 7));
    assert_eq!(
        (stats.listeners[0].open, stats.listeners[0].accepted),
        (7, 7)
    );
    drop(busy);
    advance(MOMENT).await;
    // It has been idle for less time than the new ones.
    places.push(connect(&admission, &counters).await);
    assert_eq!(claimed(&places), [1, 2, 3, 4]);
    places.clear();
    assert_eq!(admission.stats().open, 0);
    assert_eq!(admission.table().closing, 0);
}

#[tokio::test(start_paused = true)]
async fn clients_wait_if_no_connection_is_idle() {
    let (admission, counters) = room(2);
    let places = [
        connect(&admission, &counters).await,
        connect(&admission, &counters).await,
    ];
    let busy = places.each_ref().map(|place| place.slot().begin());
    let waits = timeout(Duration::from_secs(60), admission.admit(&counters));
    assert!(waits.await.is_err());
    let [first, _second] = busy;
    let (third, ()) = tokio::join!(connect(&admission, &counters), async {
        advance(MOMENT).await;
        drop(first);
    });
    assert_eq!(claimed(&places), [0]);
    drop(third);
}

/// A request that begins before the connection's task has seen the claim goes on, and another connection is closed.
#[tokio::test(start_paused = true)]
async fn a_request_revokes_a_claim() {
    let (admission, counters) = room(2);
    let mut places = vec![
        connect(&admission, &counters).await,
        connect(&admission, &counters).await,
    ];
    places.push(connect(&admission, &counters).await);
    assert_eq!(claimed(&places), [0]);
    let request = places[0].slot().begin();
    assert_eq!(claimed(&places), [0; 0]);
    assert_eq!(admission.table().closing, 0);
    // Two must close now, because three are open.
    places.push(connect(&admission, &counters).await);
    assert_eq!(claimed(&places), [1, 2]);
    drop(request);
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_is_not_closed() {
    let (admission, counters) = room(1);
    let first = connect(&admission, &counters).await;
    let began = Instant::now();
    let _second = admission.admit(&counters).await;
    assert!(began.elapsed() >= MIN_IDLE, "{:?}", began.elapsed());
    assert!(first.slot().is_claimed());
}

/// What happens besides requests does not change since when a connection is idle.
#[tokio::test(start_paused = true)]
async fn pings_do_not_count() {
    let (admission, counters) = room(2);
    let places = [
        connect(&admission, &counters).await,
        connect(&admission, &counters).await,
    ];
    advance(MOMENT).await;
    places[0].slot().enter();
    places[0].slot().leave();
    let _third = connect(&admission, &counters).await;
    assert_eq!(claimed(&places), [0]);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_closing_connections_is_limited() {
    let (admission, counters) = room(MAX_CLOSING + 8);
    let mut places = Vec::new();
    for _ in 0..MAX_CLOSING + 8 + MAX_CLOSING {
        places.push(connect(&admission, &counters).await);
    }
    let waits = timeout(Duration::from_secs(1), admission.admit(&counters));
    assert!(waits.await.is_err());
    // After the end of one, another may close.
    drop(places.remove(0));
    places.push(connect(&admission, &counters).await);
    assert_eq!(admission.table().closing, MAX_CLOSING);
    // A lower limit takes effect with the next connection, a higher one at once.
    admission.set_limit(MAX_CLOSING + 9);
    drop(connect(&admission, &counters).await);
}

#[tokio::test(start_paused = true)]
async fn above_nine_tenths_is_crowded() {
    let (admission, counters) = room(20);
    let mut places = Vec::new();
    for number in 1..=20 {
        places.push(connect(&admission, &counters).await);
        assert_eq!(admission.is_crowded(), number > 18, "{number}");
    }
}

/// What a connection does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Connect,
    Begin(usize),
    End(usize),
    Close(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Connect),
        3 => (0..1000_usize).prop_map(Step::Begin),
        3 => (0..1000_usize).prop_map(Step::End),
        1 => (0..1000_usize).prop_map(Step::Close),
    ]
}

/// A connection of the model: since when it has been idle, and its requests.
struct Known {
    place: Admitted,
    since: usize,
    requests: Vec<InUse>,
}

proptest! {
    /// Compares with a model that searches all connections each time.
    #[test]
    fn it_is_always_the_longest_idle_connection(steps in proptest::collection::vec(step(), 0..200)) {
        const LIMIT: usize = 8;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (admission, counters) = room(LIMIT);
            let mut known: Vec<Known> = Vec::new();
            for (now, step) in steps.into_iter().enumerate() {
                advance(MOMENT).await;
                let count = known.len();
                match step {
                    Step::Connect => {
                        let idle = known.iter().enumerate().filter(|(_, it)| it.requests.is_empty());
                        let oldest = idle.min_by_key(|(_, it)| it.since).map(|(at, _)| at);
                        let Some(place) = admission.try_admit(&counters) else {
                            assert!(count >= LIMIT && oldest.is_none());
                            continue;
                        };
                        let gone = claimed_of(&known);
                        assert_eq!(gone, if count >= LIMIT { oldest } else { None });
                        gone.map(|at| known.remove(at));
                        known.push(Known { place, since: now, requests: Vec::new() });
                    }
                    Step::Begin(at) if count > 0 => {
                        let it = &mut known[at % count];
                        it.requests.push(it.place.slot().begin());
                    }
                    Step::End(at) if count > 0 => {
                        let it = &mut known[at % count];
                        if it.requests.pop().is_some() {
                            it.since = now;
                        }
                    }
                    Step::Close(at) if count > 0 => {
                        // A request may end after its connection.
                        let Known { place, requests, .. } = known.remove(at % count);
                        drop(place);
                        drop(requests);
                    }
                    _ => {}
                }
                assert_eq!(admission.stats().open, known.len());
                assert_eq!(admission.table().closing, 0);
            }
        });
    }
}

fn claimed_of(known: &[Known]) -> Option<usize> {
    known.iter().position(|it| it.place.slot().is_claimed())
}

/// One search is enough for many connections.
#[tokio::test(start_paused = true)]
async fn candidates_are_kept_in_order() {
    let limit = CANDIDATES + 500;
    let (admission, counters) = room(limit);
    let mut places = Vec::new();
    for _ in 0..limit {
        places.push(connect(&admission, &counters).await);
    }
    for place in &mut places {
        let next = connect(&admission, &counters).await;
        assert!(place.slot().is_claimed());
        *place = next;
    }
}
