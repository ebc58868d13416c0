//! `pick` against a slow and simple model of it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use proptest::prelude::*;

use super::{Pick, Search, pick};
use crate::config::Balance;
use crate::upstream::endpoint::EndpointState;
use crate::upstream::health::LONGEST;

const NOW: u64 = 1_000_000;

/// An endpoint as the model sees it.
#[derive(Clone, Debug)]
struct Told {
    in_flight: usize,
    ejected_until: u64,
    is_probing: bool,
    is_tried: bool,
}

#[derive(Clone, Debug)]
struct Case {
    endpoints: Vec<Told>,
    stick: Option<usize>,
    is_replayable: bool,
    balance: Balance,
    draws: (usize, usize),
}

fn told() -> impl Strategy<Value = Told> {
    let until = prop_oneof![
        4 => Just(0),
        1 => Just(NOW + 1),
        1 => Just(NOW),
        1 => Just(NOW - LONGEST + 1),
        1 => Just(NOW - LONGEST),
    ];
    (0..4_usize, until, any::<bool>(), any::<bool>()).prop_map(
        |(in_flight, ejected_until, is_probing, is_tried)| Told {
            in_flight,
            ejected_until,
            is_probing,
            is_tried,
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    let endpoints = prop::collection::vec(told(), 1..6);
    let balance = prop_oneof![Just(Balance::LeastInFlight), Just(Balance::Failover)];
    let draws = (0..60_usize, 0..60_usize);
    let stick = prop::option::of(0..6_usize);
    (endpoints, stick, any::<bool>(), balance, draws).prop_map(
        |(endpoints, stick, is_replayable, balance, draws)| Case {
            stick: stick.filter(|at| *at < endpoints.len()),
            endpoints,
            is_replayable,
            balance,
            draws,
        },
    )
}

/// Index and whether it is a probe, by lists that are made and thrown away.
fn model(case: &Case) -> Option<(usize, bool)> {
    let all: Vec<usize> = (0..case.endpoints.len()).collect();
    let is = |at: usize| &case.endpoints[at];
    let untried: Vec<usize> = all.into_iter().filter(|at| !is(*at).is_tried).collect();
    let fit: Vec<usize> = untried
        .iter()
        .copied()
        .filter(|at| is(*at).ejected_until == 0)
        .collect();
    if let Some(stick) = case.stick.filter(|at| fit.contains(at)) {
        return Some((stick, false));
    }
    for at in &untried {
        let until = is(*at).ejected_until;
        let is_over = until != 0 && until <= NOW;
        let may = case.is_replayable || until + LONGEST <= NOW;
        if is_over && may && !is(*at).is_probing {
            return Some((*at, true));
        }
    }
    let mut from = if fit.is_empty() { untried } else { fit };
    let first = *from.first()?;
    if case.balance == Balance::Failover || from.len() == 1 {
        return Some((first, false));
    }
    let drawn = case.draws.0 % from.len();
    let one = from[drawn];
    from.rotate_left(drawn + 1);
    from.pop();
    let other = from[case.draws.1 % from.len()];
    let less = is(other).in_flight < is(one).in_flight;
    Some((if less { other } else { one }, false))
}

fn states(told: &[Told]) -> Vec<Arc<EndpointState>> {
    let states = told.iter().enumerate().map(|(index, told)| {
        let state = EndpointState::new(&format!("http://{index}").parse().unwrap());
        state.in_flight.store(told.in_flight, Relaxed);
        state.ejected_until.store(told.ejected_until, Relaxed);
        state.is_probing.store(told.is_probing, Relaxed);
        state
    });
    states.collect()
}

fn index(states: &[Arc<EndpointState>], pick: &Pick<'_>) -> usize {
    let mut states = states.iter();
    states
        .position(|it| Arc::ptr_eq(it, pick.endpoint))
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn it_picks_as_the_model_does(case in case()) {
        let states = states(&case.endpoints);
        let tried: Vec<_> = states
            .iter()
            .zip(&case.endpoints)
            .filter(|(_, told)| told.is_tried)
            .map(|(state, _)| state)
            .collect();
        let search = Search {
            balance: case.balance,
            tried: &tried,
            stick: case.stick.map(|at| &states[at]),
            is_replayable: case.is_replayable,
            now: NOW,
        };
        let mut draws = [case.draws.0, case.draws.1].into_iter();
        let picked = pick(&states, &search, |below| draws.next().unwrap() % below);
        let found = picked.map(|pick| (index(&states, &pick), pick.is_probe));
        prop_assert_eq!(found, model(&case));
        for (at, state) in states.iter().enumerate() {
            let began = found == Some((at, true));
            let before = case.endpoints[at].is_probing;
            prop_assert_eq!(state.is_probing.load(Relaxed), before || began);
        }
    }
}

/// How often each of three endpoints is picked, with so many requests in flight at them.
fn shares(in_flight: [usize; 3]) -> [usize; 3] {
    let told = in_flight.map(|in_flight| Told {
        in_flight,
        ejected_until: 0,
        is_probing: false,
        is_tried: false,
    });
    let states = states(&told);
    let search = Search {
        balance: Balance::LeastInFlight,
        tried: &[],
        stick: None,
        is_replayable: true,
        now: NOW,
    };
    let mut random = fastrand::Rng::with_seed(7);
    let mut shares = [0; 3];
    for _ in 0..30_000 {
        let pick = pick(&states, &search, |below| random.usize(..below)).unwrap();
        shares[index(&states, &pick)] += 1;
    }
    shares
}

#[test]
fn idle_endpoints_share_evenly() {
    for share in shares([0, 0, 0]) {
        assert!((9_500..10_500).contains(&share), "{share}");
    }
}

#[test]
fn the_busiest_endpoint_is_passed_over_and_the_idlest_gets_most() {
    let [idle, medium, busy] = shares([0, 1, 2]);
    assert_eq!(busy, 0);
    assert!((19_300..20_700).contains(&idle), "{idle}");
    assert_eq!(idle + medium, 30_000);
}
