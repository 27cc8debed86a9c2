//! Whatever comes instead of a token is refused, and nothing panics.

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::{
    forge::{With, encoded, genuine, token},
    stand::World,
};

fn runner() -> TestRunner {
    let cases = if std::env::var_os("BIGSKIES_SOAK").is_some() { 1_000_000 } else { 3_000 };
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

#[tokio::test]
async fn noise() {
    let world = World::new().await;
    let (key, header, claims) = genuine(&world).await;
    let ours = With::ours(&world, &key);
    let good = token(&header.to_string(), claims.to_string().as_bytes(), &ours);
    let is_refused = |token: &str| {
        let outcome = world.verifier.verify(token, world.now());
        prop_assert!(outcome.is_err(), "{token:?} was taken");
        Ok(())
    };
    let any_text = any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let prefixed = (prop_oneof!["bsk_", "bsr_", "bsk_[0-9a-f]{8}_"], any_text.clone()).prop_map(|(a, b)| a + &b);
    runner().run(&any_text, |text| is_refused(&text)).unwrap();
    runner().run(&prefixed, |text| is_refused(&text)).unwrap();
    runner()
        .run(&"[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,100}", |text| is_refused(&text))
        .unwrap();

    // Any header over any claims, signed with our own key: what is in them must not matter.
    let parts = (any::<Vec<u8>>(), any::<Vec<u8>>());
    runner()
        .run(&parts, |(head, body)| {
            let text = format!("{}.{}.{}", encoded(head), encoded(&body), encoded([0; 64]));
            is_refused(&text)?;
            is_refused(&token(&header.to_string(), &body, &ours))
        })
        .unwrap();

    // A genuine one in which one byte is another.
    let changed = (0..good.len(), 1..=u8::MAX);
    runner()
        .run(&changed, |(at, flipped)| {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= flipped;
            is_refused(&String::from_utf8_lossy(&bytes))
        })
        .unwrap();
    assert_eq!(world.judged(&good), "good");
}
