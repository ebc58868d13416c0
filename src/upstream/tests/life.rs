//! Whatever happens in the life of an upstream, in any order.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use proptest::prelude::*;
use tokio::time::advance;

use super::{broken, config, ejected, upstream};
use crate::net::body::BodyEnd;
use crate::upstream::Upstream;
use crate::upstream::endpoint::EndpointState;
use crate::upstream::exchange::Exchange;
use crate::upstream::retry::FailureKind;
use crate::upstream::route::Route;

/// What may happen next in the life of an upstream.
#[derive(Clone, Debug)]
enum Event {
    Ask(bool),
    Answer(usize, u16),
    Fail(usize),
    End(usize, bool),
    Leave(usize),
    Wait(u64),
    Reload(usize, u32),
}

fn event() -> impl Strategy<Value = Event> {
    let status = prop_oneof![Just(200), Just(404), Just(503)];
    prop_oneof![
        6 => any::<bool>().prop_map(Event::Ask),
        3 => (0..8_usize, status).prop_map(|(which, code)| Event::Answer(which, code)),
        4 => (0..8_usize).prop_map(Event::Fail),
        3 => (0..8_usize, any::<bool>()).prop_map(|(which, whole)| Event::End(which, whole)),
        1 => (0..8_usize).prop_map(Event::Leave),
        2 => (1..30_000_u64).prop_map(Event::Wait),
        1 => (1..4_usize, 0..4_u32).prop_map(|(count, after)| Event::Reload(count, after)),
    ]
}

/// The upstream, and the attempts that are under way at it.
struct Life {
    upstream: Arc<Upstream>,
    under_way: Vec<Exchange>,
}

impl Life {
    async fn step(&mut self, event: Event) {
        let which = match &event {
            Event::Answer(which, _)
            | Event::End(which, _)
            | Event::Fail(which)
            | Event::Leave(which) => *which,
            _ => 0,
        };
        let chosen = (!self.under_way.is_empty()).then(|| which % self.under_way.len());
        match (event, chosen) {
            (Event::Ask(is_replayable), _) => self.ask(is_replayable).await,
            (Event::Answer(_, code), Some(at)) => {
                self.under_way[at].answered(StatusCode::from_u16(code).unwrap(), &HeaderMap::new());
            }
            (Event::Fail(_), Some(at)) => {
                let mut exchange = self.under_way.swap_remove(at);
                exchange.failed(FailureKind::Connect);
            }
            (Event::End(_, whole), Some(at)) => {
                let broken = broken();
                let outcome = if whole { Ok(()) } else { Err(&broken) };
                self.under_way.swap_remove(at).ended(outcome);
            }
            (Event::Leave(_), Some(at)) => drop(self.under_way.swap_remove(at)),
            (Event::Wait(millis), _) => advance(Duration::from_millis(millis)).await,
            (Event::Reload(count, after), _) => {
                let more = format!("max_in_flight = 8\nmax_queued = 0\neject_after = {after}");
                self.upstream = self.upstream.renewed(&config(count, &more));
            }
            _ => {}
        }
    }

    async fn ask(&mut self, is_replayable: bool) {
        let method = if is_replayable {
            Method::GET
        } else {
            Method::POST
        };
        let Ok(lease) = self.upstream.lease(None).await else {
            assert_eq!(self.under_way.len(), 8, "refused although a permit is free");
            return;
        };
        let is_well = |it: &Arc<EndpointState>| !it.is_ejected();
        let any_is_well = self.upstream.endpoints.iter().any(is_well);
        let pick = Route::new(&self.upstream, &method, true, None)
            .first()
            .unwrap();
        assert!(pick.is_probe || !any_is_well || is_well(pick.endpoint));
        let exchange = Exchange::begin(&self.upstream, pick.endpoint, pick.is_probe, Some(&lease));
        self.under_way.push(exchange);
    }

    /// The requests in flight at the endpoints that are configured now.
    fn in_flight(&self) -> usize {
        let endpoints = self.upstream.endpoints.iter();
        endpoints.map(|it| it.in_flight.load(Relaxed)).sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whatever_happens_someone_is_asked_and_everything_is_given_back(
        events in prop::collection::vec(event(), 1..120),
        reloads in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let upstream = upstream(3, "max_in_flight = 8\nmax_queued = 0");
            let mut life = Life { upstream, under_way: Vec::new() };
            for event in events {
                if !reloads && matches!(event, Event::Reload(..)) {
                    continue;
                }
                life.step(event).await;
                if reloads {
                    assert!(life.in_flight() <= life.under_way.len());
                } else {
                    assert_eq!(life.in_flight(), life.under_way.len());
                    let ejected = ejected(&life.upstream);
                    assert!(ejected.contains(&false), "all are ejected");
                }
            }
            life.under_way.clear();
            for endpoint in &life.upstream.endpoints {
                assert_eq!(endpoint.in_flight.load(Relaxed), 0);
                assert!(!endpoint.is_probing.load(Relaxed), "a probe is lost");
            }
            let mut leases = Vec::new();
            while let Ok(lease) = life.upstream.lease(None).await {
                leases.push(lease);
            }
            assert_eq!(leases.len(), 8, "permits are lost, or there are too many");
        });
    }
}
