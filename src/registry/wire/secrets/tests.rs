use super::*;

/// Of one process the secrets are those of all its tests: none of these is in a text of another.
fn shown(secret: &str, text: &str) -> String {
    keep(secret);
    redacted(text).into_owned()
}

#[test]
fn a_secret_is_hidden_however_it_is_written() {
    let secret = "%41zq\"w&9 +ü\\§x";
    let percent: String = secret.bytes().map(|b| format!("%{b:02x}")).collect();
    let twice = percent.to_uppercase().replace('%', "%25");
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::to_string(secret).expect("json");
    let ways = [
        secret.to_owned(),
        percent,
        twice,
        form,
        json.trim_matches('"').to_owned(),
        secret.escape_debug().to_string(),
        json.trim_matches('"').escape_debug().to_string(),
    ];
    for way in ways {
        let out = shown(secret, &format!("before {way} after"));
        assert_eq!(out, "before *** after", "{way}");
    }
}

#[test]
fn base64_is_found_at_every_offset_and_hidden_as_a_whole() {
    let secret = "kx7-Hq2_canary";
    for before in ["", "u:", "us:", "use:", "user:"] {
        for after in ["", "!", "!!"] {
            let text = format!("{before}{secret}{after}");
            for coded in [BASE64.encode(text.as_bytes()), BASE64URL.encode(text.as_bytes())] {
                let out = shown(secret, &format!("Basic {coded}, \"{}\"", coded.replace('=', "%3D")));
                assert_eq!(out, "Basic ***, \"***\"", "{text}");
            }
        }
    }
}

#[test]
fn a_token_is_hidden_by_its_ends_and_when_it_is_cut_short() {
    let token = format!("eyJhbGciOiJSUzI1NiJ9.{}.sIgNaTuReOfThisVeryTokenAndOfNoOther", "cGF5bG9hZA".repeat(40));
    assert_eq!(shown(&token, &format!("got {token}: no")), "got ***: no");
    assert_eq!(shown(&token, &format!("got {}…", &token[..100])), "got ***…");
    assert_eq!(shown(&token, &format!("got {}, no", &token[60..])), "got ***, no");
}

#[test]
fn the_strings_of_json_are_looked_through_and_its_names_are_not() {
    keep("status-qq");
    keep("q\"uoted-qq");
    let text = r#"{"status-qq":"status-qq","a":["x q\"uoted-qq y","\\"],"n" : {"status-qq" :1}}"#;
    let want = r#"{"status-qq":"***","a":["x *** y","\\"],"n" : {"status-qq" :1}}"#;
    assert_eq!(redacted_json(text), want);
    let _: serde_json::Value = serde_json::from_str(&redacted_json(text)).expect("still json");
}

#[test]
fn what_signs_an_address_is_a_secret_and_what_names_things_is_none() {
    keep_from_address(
        "https://s3.example/x?X-Amz-Signature=0123abcdfeed&ns=docker.example&tiny=1#access_token=fragment-zz1",
    );
    keep_from_address("http://[::bad?sig=un%2Fparsed-zz2");
    keep_from_address("https://me:pass%20word-zz3@cdn.example/");
    keep_from_address("https://cdn/x?namespace=zz8-project&repo_name=zz8-node-exporter-2&other=zz8-other-words&X=0");
    let text = "zz8-project zz8-node-exporter-2 zz8-other-words";
    assert_eq!(redacted(text), text);
    let text = "0123abcdfeed docker.example fragment-zz1 un/parsed-zz2 un%2Fparsed-zz2 pass word-zz3";
    assert_eq!(redacted(text), "*** docker.example *** *** *** ***");
    for (text, want) in [
        ("robot:zz4-secret@r.example/a:1", "robot:***@r.example/a:1"),
        ("http://u:zz5-secret@p.example:3128", "http://u:***@p.example:3128"),
        ("r.example:5000/a@sha256:zz6-digest", "r.example:5000/a@sha256:zz6-digest"),
        ("r.example/zz7-repo:zz7-tag@sha256:0", "r.example/zz7-repo:zz7-tag@sha256:0"),
    ] {
        keep_from_authority(text);
        assert_eq!(redacted(text), want);
    }
}

#[test]
fn short_secrets_and_what_is_none_change_nothing() {
    for secret in ["", "a", "abc", "   "] {
        assert_eq!(shown(secret, "a b abc"), "a b abc");
    }
}
