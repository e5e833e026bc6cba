//! Who is spoken to without TLS, and where names lead: what counts is the address that is connected to.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use crate::scene::{Scene, command, put_small_image};
use crate::support::certs::{Authority, Identity, LOOPBACK};
use crate::support::gateway::Gateway;
use crate::support::registry::{Auth, Fault, Match, Registry, Tokens};
use crate::support::run::{Output, Run};
use crate::support::tunnel::Tunnel;

fn with_user(run: Run) -> Run {
    run.args(["--username", "user", "--password-stdin"]).stdin("secret-word")
}

fn export(scene: &Scene, name: &str) -> Run {
    command("export").args([name, "--force", "--retries", "0", "-o"]).args([scene.bundle()])
}

fn shown(registry: &Registry) -> usize {
    registry.count(|r| r.header("Authorization").is_some())
}

#[test]
fn credentials_are_never_shown_after_a_fallback_to_http() {
    let tokens = Tokens::new("user", "secret-word");
    for auth in [Auth::basic("user", "secret-word"), Auth::bearer(&tokens)] {
        let scene = Scene::between(Registry::builder().auth(auth).start(), Registry::start());
        put_small_image(&scene.source, "org/app", "1");
        let port = scene.source.address().port();
        for host in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("0.0.0.0:{port}")] {
            let out = with_user(export(&scene, &format!("{host}/org/app:1"))).run().exits(4);
            assert!(out.stderr.contains(&format!("--plain-http={host}")), "{}", out.stderr);
            let login = command("login").args([&host, "--retries", "0"]);
            with_user(login).run().exits(4);
            assert_eq!(shown(&scene.source), 0, "{host} was shown credentials over http");
        }
        assert!(scene.source.count(|r| r.status == 401) > 0, "it was reached, and asked for them");
        // Where http was asked for, they are.
        with_user(export(&scene, &scene.name("org/app:1"))).args(["--plain-http"]).run().succeeds();
        assert!(shown(&scene.source) > 0);
    }
    // What asks for nothing is read as ever.
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    with_user(export(&scene, &scene.name("org/app:1"))).run().succeeds();
    assert_eq!(shown(&scene.source), 0);
}

#[test]
fn nothing_falls_back_that_spoke_tls_or_was_expected_to() {
    let authority = Authority::new();
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let file = |name: &str, text: &str| {
        std::fs::write(scene.path(name), text).expect("a file");
        scene.path(name)
    };
    let ca = file("ca.pem", &authority.pem());
    let client = authority.client("someone");
    let both = file("both.pem", &format!("{}{}", client.cert_pem, client.key_pem));
    let name = scene.name("org/app:1");
    // Plain http on this machine, and each of the flags that say something about TLS.
    let with_certs_d = |run: Run| {
        let directory = run.home().join(".docker/certs.d").join(scene.source.host());
        std::fs::create_dir_all(&directory).expect("a directory");
        std::fs::write(directory.join("ca.crt"), authority.pem()).expect("an authority");
        run
    };
    let runs = [
        export(&scene, &name).args(["--ca-file"]).args([&ca]),
        export(&scene, &name).env("BUNDLE_CA_FILE", &ca),
        export(&scene, &name).args(["--cert"]).args([&both]),
        export(&scene, &name).args(["--insecure-skip-tls-verify"]),
        with_certs_d(export(&scene, &name)),
    ];
    for run in runs {
        let out = run.run();
        assert!(matches!(out.code, Some(1 | 4)), "{out:?}");
        assert_eq!(scene.source.requests().len(), 0, "{out:?}");
    }
    export(&scene, &name).run().succeeds();

    // A server that speaks TLS to whoever does, and http to others.
    for identity in [Identity::self_signed_ca(&LOOPBACK), authority.expired_server(&LOOPBACK)] {
        let secure = Registry::builder().tls(&identity).start();
        let plain = Registry::start();
        put_small_image(&plain, "org/app", "1");
        let host = either(&secure, &plain);
        let out = export(&scene, &format!("{host}/org/app:1")).run().exits(4);
        assert_eq!(plain.requests().len(), 0, "{}", out.stderr);
    }
    // TLS that only says no, and TLS that breaks off in the middle.
    for first in [&b"\x15\x03\x03\x00\x02\x02\x28"[..], &b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"[..]] {
        let plain = Registry::start();
        put_small_image(&plain, "org/app", "1");
        let host = says(first, &plain);
        let out = export(&scene, &format!("{host}/org/app:1")).run();
        assert!(matches!(out.code, Some(1 | 4)), "{out:?}");
        assert_eq!(plain.requests().len(), 0, "{}", out.stderr);
    }
}

/// Passes on what is TLS to one and what is not to the other; where it listens.
fn either(secure: &Registry, plain: &Registry) -> String {
    let (secure, plain) = (secure.address(), plain.address());
    serve(move |first| if first == 0x16 { Ok(secure) } else { Err((Vec::new(), plain)) })
}

/// Answers TLS with these bytes, and passes on what is none; where it listens.
fn says(answer: &'static [u8], plain: &Registry) -> String {
    let plain = plain.address();
    serve(move |first| Err((if first == 0x16 { answer.to_vec() } else { Vec::new() }, plain)))
}

type Told = Result<std::net::SocketAddr, (Vec<u8>, std::net::SocketAddr)>;

fn serve(decide: impl Fn(u8) -> Told + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut first = [0];
            if client.peek(&mut first).is_err() {
                continue;
            }
            let target = match decide(first[0]) {
                Ok(target) => target,
                Err((answer, _)) if !answer.is_empty() => {
                    let _ = client.read(&mut [0; 4096]);
                    let _ = client.write_all(&answer);
                    continue;
                }
                Err((_, target)) => target,
            };
            let Ok(mut server) = std::net::TcpStream::connect(target) else { continue };
            let (Ok(mut back), Ok(mut from)) = (client.try_clone(), server.try_clone()) else { continue };
            thread::spawn(move || std::io::copy(&mut from, &mut back));
            thread::spawn(move || std::io::copy(&mut client, &mut server));
        }
    });
    host
}

#[test]
fn what_a_proxy_answers_is_not_this_machine_whatever_name_was_asked_for() {
    let plain = Registry::builder().auth(Auth::basic("user", "secret-word")).start();
    put_small_image(&plain, "org/app", "1");
    let scene = Scene::new();
    let tunnel = Tunnel::to(plain.address());
    for host in ["r.localhost:5000", "registry.example:5000", "10.1.2.3:5000", "[64:ff9b::7f00:1]:5000"] {
        let run = with_user(export(&scene, &format!("{host}/org/app:1")));
        let out = run.env("HTTPS_PROXY", tunnel.host()).env("HTTP_PROXY", tunnel.host()).run();
        assert!(matches!(out.code, Some(1 | 4)), "{host}: {out:?}");
        assert_eq!(plain.requests().len(), 0, "{host}: nothing is asked over http");
        // Even a proxy for http alone makes it no longer this machine.
        let out = with_user(export(&scene, &format!("{host}/org/app:1"))).env("HTTP_PROXY", tunnel.host()).run();
        assert!(out.code != Some(0) && plain.requests().is_empty(), "{host}: {out:?}");
    }
    // This machine itself is never asked for at a proxy.
    let asked = tunnel.asked().len();
    for host in ["127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "127.9.9.9"] {
        let name = format!("{host}:1/org/app:1");
        export(&scene, &name).env("HTTPS_PROXY", tunnel.host()).env("HTTP_PROXY", tunnel.host()).run();
    }
    assert_eq!(tunnel.asked().len(), asked, "{:?}", tunnel.asked());
}

/// Runs `run` where these lines are the hosts file. False where that takes rights that we do not have.
fn with_hosts(scene: &Scene, lines: &str, run: impl FnOnce(&std::path::Path) -> Output) -> Option<Output> {
    let hosts = scene.path("hosts");
    std::fs::write(&hosts, format!("127.0.0.1 localhost\n{lines}\n")).expect("a file");
    let bundle = env!("CARGO_BIN_EXE_bundle");
    // A mount namespace of its own, so that nobody else sees these names.
    let script = scene.path("with-hosts");
    let text = format!(
        "#!/bin/sh\nexec unshare -m sh -c 'mount --bind \"$0\" /etc/hosts && exec \"$@\"' '{}' '{bundle}' \"$@\"\n",
        hosts.display()
    );
    let write = "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let wrote = Command::new("sh").args(["-c", write, "sh", &text]).arg(&script).status();
    assert!(wrote.expect("sh").success());
    let possible = Command::new("unshare").args(["-m", "sh", "-c", "mount --bind /etc/hosts /etc/hosts"]).output();
    if !possible.is_ok_and(|out| out.status.success()) {
        eprintln!("not tried: a hosts file of its own takes the rights of root");
        return None;
    }
    Some(run(&script))
}

fn run_as(script: &std::path::Path, command: &str) -> Run {
    Run::new(script).args([command]).env("BUNDLE_RETRY_DELAY", "1")
}

#[test]
fn a_name_that_leads_to_this_machine_is_not_followed_for_a_registry_that_is_elsewhere() {
    // The registry stands behind a proxy, so it is on another machine for all that can be known.
    let tokens = Tokens::new("user", "secret-word");
    let inner = Registry::builder().tokens(&tokens).start();
    let lines = "127.0.0.1 inner.example\n169.254.7.7 link.example\n";
    for (part, fault) in [
        ("/manifests/", Fault::Redirect(307, format!("http://inner.example:{}{{path}}", inner.address().port()))),
        ("/blobs/", Fault::Redirect(307, format!("http://inner.example:{}{{path}}", inner.address().port()))),
        ("/blobs/", Fault::Redirect(307, "http://link.example:1{path}".into())),
        (
            "/manifests/",
            Fault::status_with(
                401,
                "WWW-Authenticate",
                &format!("Bearer realm=\"http://inner.example:{}/token\"", inner.address().port()),
            ),
        ),
    ] {
        let scene = Scene::new();
        put_small_image(&scene.source, "org/app", "1");
        for digest in crate::scene::blobs_of(&scene.source, "org/app", "1") {
            inner.put_blob_as("org/app", &digest, scene.source.blob("org/app", &digest).expect("a blob"));
        }
        scene.source.fault(Match::on("GET", part), fault);
        let gateway = Gateway::to(scene.source.address());
        let out = with_hosts(&scene, lines, |script| {
            let run =
                run_as(script, "export").args(["far.example:5000/org/app:1", "--plain-http", "--retries", "0", "-o"]);
            let run = run.args([scene.bundle()]).env("HTTP_PROXY", gateway.host());
            with_user(run.env("NO_PROXY", "inner.example,link.example")).run()
        });
        let Some(out) = out else { return };
        let out = out.exits(4);
        assert!(out.stderr.contains("an address of this machine or link"), "{part}: {}", out.stderr);
        assert_eq!(inner.requests().len(), 0, "{part}");
        assert!(scene.source.count(|r| r.path.contains(part)) > 0, "the registry was asked: {}", out.stderr);
    }
    // A registry that is on this machine may send us about on it, by whatever names.
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let (port, inner_port) = (scene.source.address().port(), inner.address().port());
    for digest in crate::scene::blobs_of(&scene.source, "org/app", "1") {
        inner.put_blob_as("org/app", &digest, scene.source.blob("org/app", &digest).expect("a blob"));
    }
    scene
        .source
        .fault(Match::on("GET", "/blobs/"), Fault::Redirect(307, format!("http://inner.example:{inner_port}{{path}}")));
    let out = with_hosts(&scene, "127.0.0.1 inner.example near.example", |script| {
        let run = run_as(script, "export").args([&format!("near.example:{port}/org/app:1"), "--plain-http", "-o"]);
        run.args([scene.bundle()]).run()
    });
    if let Some(out) = out {
        out.succeeds();
    }
}

#[test]
fn a_name_for_this_machine_is_this_machine_and_one_for_another_is_not() {
    let scene = Scene::between(Registry::builder().auth(Auth::basic("user", "secret-word")).start(), Registry::start());
    put_small_image(&scene.source, "org/app", "1");
    put_small_image(&scene.target, "org/app", "1");
    let lines = "127.0.0.1 here.example\n192.0.2.7 r.localhost\n";
    let run = |name: String| {
        with_hosts(&scene, lines, |script| {
            let run = run_as(script, "export").args([&name, "--force", "--retries", "0", "-o"]).args([scene.bundle()]);
            with_user(run).run()
        })
    };
    let Some(out) = run(format!("here.example:{}/org/app:1", scene.target.address().port())) else { return };
    out.succeeds();
    // Without credentials, as everywhere.
    let out = run(format!("here.example:{}/org/app:1", scene.source.address().port())).expect("root still").exits(4);
    assert!(out.stderr.contains("--plain-http=here.example"), "{}", out.stderr);
    assert_eq!(shown(&scene.source), 0);
}
