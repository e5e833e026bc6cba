//! Random faults by seed: whatever goes wrong between two registries, nothing false is left behind,
//! and the same commands without faults get there.
//!
//! `BUNDLE_SEEDS=1000` runs so many, `BUNDLE_SEED=17` that one alone.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::json;

use crate::fault_scene::{nothing_false, put_in};
use crate::scene::{INDEX, MANIFEST, Scene, body_bytes, put_image};
use crate::support::registry::{Auth, Builder, Cut, Fault, Match, Registry, Tokens};
use crate::support::run::{Output, Run};

const SEEDS: u64 = 50;
const AT_ONCE: usize = 6;
/// Worth a line, where output is shown.
const SLOW: Duration = Duration::from_secs(20);
const PASSWORD: &str = "canary-password";
const IMAGES: [&str; 3] = ["org/one:1", "org/two:1", "org/list:1"];

#[test]
fn whatever_goes_wrong_nothing_false_is_left_and_the_next_run_gets_there() {
    let number = |name: &str| std::env::var(name).ok().map(|v| v.parse::<u64>().expect("a number"));
    let seeds = match number("BUNDLE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("BUNDLE_SEEDS").unwrap_or(SEEDS),
    };
    let seeds = Mutex::new(seeds);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        // They wait more than they work.
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(seed) = { seeds.lock().expect("seeds").next() } {
                    if catch_unwind(|| try_seed(seed)).is_err() {
                        failed.lock().expect("failures").push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("failures");
    assert!(failed.is_empty(), "broken by these seeds (BUNDLE_SEED=… runs one of them): {failed:?}");
}

fn try_seed(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let strict = rng.bool();
    let mut schedule = Schedule { rng, strict, said: Vec::new() };
    let tokens = schedule.rng.bool().then(|| Tokens::new("user", PASSWORD).expires_in(Duration::from_secs(2)));
    let source = builder(&mut schedule, tokens.as_ref()).start();
    let target = builder(&mut schedule, tokens.as_ref()).start();
    let scene = Scene::between(source, target);
    let digests = fill(&scene.source);
    let started = Instant::now();
    let story = catch_unwind(AssertUnwindSafe(|| play(&mut schedule, &scene, &digests)));
    if let Err(cause) = story {
        eprintln!("seed {seed}: {}", schedule.said.join("; "));
        std::panic::resume_unwind(cause);
    }
    if started.elapsed() > SLOW {
        eprintln!("seed {seed} took {:?}: {}", started.elapsed(), schedule.said.join("; "));
    }
}

/// Export and import with faults, and both again without.
fn play(schedule: &mut Schedule, scene: &Scene, digests: &[(String, String, String)]) {
    let old = schedule.rng.bool();
    if old {
        std::fs::write(scene.bundle(), "the old bundle").expect("a file");
    }
    let count = schedule.rng.usize(1..=5);
    let for_source = schedule.rng.usize(0..=count);
    for _ in 0..for_source {
        schedule.harm_source(&scene.source);
    }
    let out = checked(options(scene.export(&IMAGES)).args(["--force"]).run(), &[0, 1, 3, 4]);
    if out.code != Some(0) {
        let now = std::fs::read(scene.bundle()).ok();
        assert_eq!(now, old.then(|| b"the old bundle".to_vec()), "the final path is as it was");
        scene.source.clear_faults();
        checked(options(scene.export(&IMAGES)).args(["--force"]).run(), &[0]);
    }
    scene.verify().run().succeeds();

    scene.target.clear_requests();
    for _ in for_source..count {
        schedule.harm_target(&scene.target);
    }
    schedule.restart(&scene.target);
    let out = checked(options(scene.import()).run(), &[0, 1, 3, 4]);
    nothing_false(&scene.target);
    scene.target.clear_faults();
    let arrived = out.code == Some(0);
    if arrived {
        all_there(&scene.target, digests);
    }
    scene.target.clear_requests();
    checked(options(scene.import()).run(), &[0]);
    all_there(&scene.target, digests);
    nothing_false(&scene.target);
    if arrived {
        assert_eq!(body_bytes(&scene.target), 0, "what was there is not sent again");
    }
}

/// What holds of every run, however it ends.
fn checked(out: Output, codes: &[i32]) -> Output {
    assert!(out.code.is_some_and(|code| codes.contains(&code)), "{codes:?}: {out:?}");
    assert!(!out.all().contains("panicked"), "{}", out.all());
    assert!(!out.all().contains("canary"), "a secret is shown: {}", out.all());
    assert!(out.code == Some(0) || out.stderr.contains("bundle: "), "a failure is explained: {out:?}");
    out
}

fn options(run: Run) -> Run {
    let run = run.args(["-vv", "--idle-timeout", "1", "--retries", "3", "--username", "user"]);
    // Each command speaks to one registry.
    run.env("BUNDLE_PASSWORD", PASSWORD)
}

/// Every image by tag and by digest, with all of its content.
fn all_there(target: &Registry, digests: &[(String, String, String)]) {
    for (repo, tag, digest) in digests {
        let repo = format!("library/{repo}");
        assert_eq!(target.digest(&repo, tag).as_ref(), Some(digest), "{repo}:{tag}");
        assert_eq!(target.missing(&repo, digest), Vec::<String>::new(), "{repo}@{digest}");
    }
}

fn builder(schedule: &mut Schedule, tokens: Option<&Tokens>) -> Builder {
    let mut builder = Registry::builder();
    if let Some(tokens) = tokens {
        builder = builder.auth(Auth::bearer(tokens));
    }
    for (name, change) in [
        ("no referrers", (|b| b.referrers(false)) as fn(Builder) -> Builder),
        ("sessions end with their connection", Builder::drop_sessions_on_cut),
        ("relative locations", Builder::relative_locations),
    ] {
        if schedule.rng.u8(..4) == 0 {
            schedule.said.push(name.into());
            builder = change(builder);
        }
    }
    // One that takes what it should not, and tells; or one that refuses it.
    if schedule.strict { builder } else { builder.accepting() }
}

/// Three images: two that share layers, an index with a signature about it. Repository, tag, digest.
fn fill(registry: &Registry) -> Vec<(String, String, String)> {
    put_in(registry, "org/one", 1, &[400_000, 70_000, 1_000]);
    put_in(registry, "org/two", 1, &[400_000, 70_000, 5_000_000]);
    let children: Vec<_> = (0..3)
        .map(|n| {
            let repo = "org/list";
            let layer = crate::scene::put_made_layer(registry, repo, 50 + n, 30_000);
            let digest = put_image(registry, repo, &format!("c{n}"), &[layer]);
            let (_, bytes) = registry.manifest(repo, &digest).expect("a child");
            json!({"mediaType": MANIFEST, "digest": digest, "size": bytes.len()})
        })
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children});
    registry.put_manifest("org/list", Some("1"), INDEX, index.to_string());
    let digest = |name: &str| {
        let (repo, tag) = name.rsplit_once(':').expect("a tag");
        (repo.to_owned(), tag.to_owned(), registry.digest(repo, tag).expect("a digest"))
    };
    IMAGES.map(digest).to_vec()
}

/// What a seed makes go wrong.
struct Schedule {
    rng: Rng,
    /// The registries refuse manifests whose content they lack.
    strict: bool,
    said: Vec<String>,
}

impl Schedule {
    fn choose<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.rng.usize(..from.len())]
    }

    fn matching(&mut self, methods: &[&'static str]) -> Match {
        let method = self.choose(methods);
        let part = self.choose(&["", "/manifests/", "/blobs/", "org/one", "org/two", "org/list", "/token"]);
        let (skip, times) = (self.rng.usize(0..4), self.choose_times());
        self.said.push(format!("{method} *{part}* after {skip}, {times} times:"));
        Match::on(method, part).after(skip).times(times)
    }

    /// Mostly something that passes.
    fn choose_times(&mut self) -> usize {
        match self.rng.u8(..10) {
            0 => usize::MAX,
            n => 1 + usize::from(n % 4),
        }
    }

    fn harm(&mut self, registry: &Registry, matching: Match, name: &str, fault: Fault) {
        self.said.push(name.to_owned());
        registry.fault(matching, fault);
    }

    /// What can befall any request.
    fn general(&mut self) -> (String, Fault) {
        let status = [408, 429, 500, 502, 503, 504, 401, 403, 404, 400][self.rng.usize(..10)];
        let how = if self.rng.bool() { Cut::Close } else { Cut::Reset };
        let at = self.rng.u64(0..60_000);
        match self.rng.u8(..10) {
            0..3 => (format!("{status}"), Fault::error(status, "UNAVAILABLE", "not now")),
            3 => ("429 with a pause".into(), Fault::status_with(429, "Retry-After", "0")),
            4 => ("reset".into(), Fault::Reset),
            5 => ("lost answer".into(), Fault::LoseAnswer),
            6 => (format!("{how:?} at {at}"), Fault::CutBodyAfter(at, how)),
            7 => ("close after".into(), Fault::CloseAfter),
            8 => (
                "503 from a proxy".into(),
                Fault::Status { code: 503, headers: vec![], body: b"<h1>sorry</h1>".into() },
            ),
            _ => ("delay".into(), Fault::Delay(Duration::from_millis(30))),
        }
    }

    fn harm_source(&mut self, registry: &Registry) {
        let matching = self.matching(&["GET", "*"]);
        let at = self.rng.u64(0..80_000);
        let (name, fault) = match self.rng.u8(..12) {
            0 => (format!("flip {at}"), Fault::FlipByte(at)),
            1 => (format!("truncated at {at}"), Fault::Truncate(at)),
            2 => (format!("stall at {at}"), Fault::StallAfter(at)),
            3 => ("ignored range".into(), Fault::IgnoreRange),
            4 => ("shifted range".into(), Fault::ShiftRange(-3)),
            5 => ("wrong length".into(), Fault::WrongLength(self.rng.i64(-5..50))),
            6 => ("chunked".into(), Fault::Chunked),
            _ => self.general(),
        };
        self.harm(registry, matching, &name, fault);
    }

    fn harm_target(&mut self, registry: &Registry) {
        let at = self.rng.u64(0..90_000);
        let bodies = [Match::on("PUT", "/blobs/uploads/"), Match::on("PATCH", ""), Match::on("*", "/blobs/uploads/")];
        let body = bodies[self.rng.usize(..3)].clone().after(self.rng.usize(0..4)).times(self.choose_times());
        let (name, matching, fault) = match self.rng.u8(..16) {
            0 => ("no mounts", Match::on("POST", "mount="), Fault::RefuseMount),
            1 => ("chunks only", Match::any(), Fault::RefuseMonolithic(404)),
            2 => ("at most 4 MiB", Match::any(), Fault::MaxBody(4 << 20)),
            3 => ("cut upload", body, Fault::CutUploadAfter(at)),
            4 => ("stalled upload", body.times(1), Fault::StallUploadAfter(at)),
            5 => ("session lost", body, Fault::error(404, "BLOB_UPLOAD_UNKNOWN", "who")),
            6 => ("stale session", body, Fault::status(416)),
            7 => ("HEAD says empty", Match::on("HEAD", "").times(3), Fault::HeadSays { status: 200, length: Some(0) }),
            // Who claims to have what it has not, and takes all that needs it, cannot be helped.
            8 if self.strict => {
                ("HEAD says yes", Match::on("HEAD", "/blobs/").times(2), Fault::HeadSays { status: 200, length: None })
            }
            9 => ("HEAD is not known", Match::on("HEAD", ""), Fault::status(405)),
            10 => ("range lies", Match::on("GET", "/blobs/uploads/"), Fault::header("Range", "0-99")),
            _ => {
                let matching = self.matching(&["GET", "HEAD", "PUT", "POST", "PATCH", "*"]);
                let (name, fault) = self.general();
                return self.harm(registry, matching, &name, fault);
            }
        };
        self.harm(registry, matching, name, fault);
    }

    /// Loses all upload sessions that were in use, up to three times, as restarts do.
    fn restart(&mut self, registry: &Registry) {
        if self.rng.u8(..4) > 0 {
            return;
        }
        let every = self.rng.usize(8..40);
        self.said.push(format!("a restart every {every} requests"));
        let sessions = Mutex::new(Restarts::default());
        registry.intercept(move |request| {
            let mut sessions = sessions.lock().expect("sessions");
            sessions.requests += 1;
            if sessions.requests.is_multiple_of(every) && sessions.requests <= 3 * every {
                let used = std::mem::take(&mut sessions.used);
                sessions.lost.extend(used);
            }
            let (_, session) = request.path.split_once("/blobs/uploads/").filter(|(_, id)| !id.is_empty())?;
            sessions.used.insert(session.into());
            sessions.lost.contains(session).then(|| Fault::error(404, "BLOB_UPLOAD_UNKNOWN", "restarted"))
        });
    }
}

#[derive(Default)]
struct Restarts {
    requests: usize,
    used: HashSet<String>,
    lost: HashSet<String>,
}
