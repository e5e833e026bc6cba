//! What a person can do about an error, in words and with the flags of this program.

use std::borrow::Cow;

use oci_bundle::{Error, NextStep};

/// All that can be done about an error, in one line.
pub(crate) fn of(error: &Error) -> Option<String> {
    let steps: Vec<_> = error.next_steps().iter().map(words).collect();
    if steps.is_empty() { None } else { Some(steps.join("; or ")) }
}

fn words(step: &NextStep) -> Cow<'static, str> {
    let words = match step {
        NextStep::AddMapping => "give one of them another place with --map FROM=TO",
        NextStep::AddPartner { file } => {
            return format!("add {}, or name a CA certificate *.crt", file.display()).into();
        }
        NextStep::AllowLongerFiles => {
            "a file cannot be that long there: see `ulimit -f`, format the drive as exFAT or ext4, or export fewer \
             images at a time"
        }
        NextStep::AllowMediaType => "the registry refuses this media type; allow it there (zot: http.compat docker2s2)",
        NextStep::AllowOverwriting => {
            "look at both, and move the tag with --on-existing-tag overwrite if that is right"
        }
        NextStep::AllowReplacing => "use --force to replace it once the new bundle is complete",
        NextStep::AllowSource => {
            "nothing was sent; if they may come from there, add --allow-source PREFIX, or ask who decides that"
        }
        NextStep::AllowUrls => {
            "allow them in the registry (distribution: validation.manifests.urls.allow) and run the import again"
        }
        NextStep::CheckAddressAndProxy => {
            "this is not a registry's answer; check the address and the proxy in front of it"
        }
        NextStep::CheckClock => "check this machine's clock; if it is right, the server needs a new certificate",
        NextStep::CheckCredentials => {
            "check the credentials: docker config, --authfile or --username with --password-stdin"
        }
        NextStep::CheckExternalUrl => "check the registry's external URL setting",
        NextStep::CheckExternalUrlAndProxy => "check the registry's external URL setting and the proxy in front of it",
        NextStep::CheckHost => "check the host name and port; a registry answers 200 or 401 there",
        NextStep::CheckLine => "check the host name and the line, then run the same command again",
        NextStep::CheckName => "check the name and the tag",
        NextStep::CheckPermission => "the account needs the right to do this; check the repository's permissions",
        NextStep::CheckRealm => "check the realm that the registry names",
        NextStep::CheckServerName => "check the host name, and that of the certificate",
        NextStep::CheckStorageRedirect => "check the registry's storage redirect",
        NextStep::CreateProject { project } => {
            return format!(
                "create the project `{project}` (or the repository) in the registry, or check the credentials in \
                 ~/.docker/config.json and their right to push"
            )
            .into();
        }
        NextStep::CreateRepository => "create the project or repository in the registry first, or check the name",
        NextStep::CurrentTlsOrClientCertificate => {
            "the server needs TLS 1.2 or 1.3 with a current cipher, or asks for a client certificate (--cert, --key)"
        }
        NextStep::DeleteDamagedBlob => "delete that blob in the registry's storage and run the import again",
        NextStep::DeleteDamagedCopies => {
            "delete it in the registry's storage, or the repository and have the registry collect its garbage; then \
             run the import again"
        }
        NextStep::DeleteDamagedManifest => {
            "its storage may be damaged; delete the manifest there and run the import again"
        }
        NextStep::EnableTls => "enable TLS 1.2 or 1.3 on the server",
        NextStep::FindOtherWriter => "look for another writer of this tag, or for a cache in front of the registry",
        NextStep::FormatDrive => "format the drive as exFAT or ext4, or export fewer images at a time",
        NextStep::FreeRoom => "free some room there, or write to another drive with -o",
        NextStep::FreeRoomOrWriteElsewhere => "free some room there, or name another place with -o or --tmpdir",
        NextStep::GiveClientCertificate { host } => {
            return format!("give one with --cert and --key, or as NAME.cert and NAME.key in certs.d/{host}").into();
        }
        NextStep::GiveKey => "give the unencrypted PEM key of the client certificate with --key",
        NextStep::InstallHelper => {
            "install the helper, take it out of the file, or give other credentials with --authfile"
        }
        NextStep::LeaveOutReferrers => "leave out what refers to images with --referrers none",
        NextStep::NameAuthfile => "name a file with --authfile",
        NextStep::NameFileInDirectory => "name a file in it",
        NextStep::NameHelper => "a helper is named by what follows `docker-credential-`",
        NextStep::NameLinkTarget => "name the file it points to",
        NextStep::NamePlainFile => "a bundle is written in place and needs a plain file",
        NextStep::NameRepository => "name its repository, as in --name registry.example/team/app",
        NextStep::NewCertificate => "the server needs another certificate",
        NextStep::NewCertificateWithAddress => {
            "use one of its names, or give the server a certificate with the IP address as subject alternative name"
        }
        NextStep::NewCertificateWithName => "check the host name; the server needs a certificate that names it",
        NextStep::NamePlainHttpHost => "name the host that has none with --plain-http=HOST",
        NextStep::Pin => "give the digest that `bundle export` printed with --expect",
        NextStep::ProtectCredentialFile { file } => {
            return format!("see whose it is and who may write there, then `chmod 0600 {}`", file.display()).into();
        }
        NextStep::PinAll => {
            "pin the whole bundle with --expect and the digest that `bundle export` printed; or each of these too: an \
             image as NAME@DIGEST, what refers to one as REPOSITORY@DIGEST"
        }
        NextStep::ProvideLayer => {
            "put the layer into the registry, or export without --include-non-distributable-layers"
        }
        NextStep::PushElsewhere => {
            "this registry is read-only, or a cache of another one: push to the registry behind it, or switch its \
             read-only mode off"
        }
        NextStep::RaiseBodyLimit => "raise the body limit of the registry or of the proxy in front of it",
        NextStep::RaiseMaxManifests => {
            "if you know the images and this machine has the memory, allow more with --max-manifests SIZE"
        }
        NextStep::RaiseMaxSpool => "if you know where it comes from, allow more with --max-spool SIZE",
        NextStep::ReadPipeAsStandardInput => "a pipe can be read as `-`, standard input",
        NextStep::ReleaseTag => {
            "if the tag is immutable and names other content there, remove it or the rule that protects it; \
             everything but the tag was pushed"
        }
        NextStep::RemoveForeignFile => {
            "if nobody needs it, remove it and run the same command again; or write the bundle into a directory where \
             only you may write"
        }
        NextStep::RepairCredentialFile => "repair it, or name another with --authfile",
        NextStep::ReportBug => "report this as a bug",
        NextStep::RunAgain => "run the command again",
        NextStep::RunHelper => "run the helper by hand to see what it says",
        NextStep::RunHelperOrLogIn => "run the helper by hand, or log in to the registry again",
        NextStep::SetProxyUrl => "set it like http://proxy.example:3128, or unset it",
        NextStep::SignOrTakeWithout => "sign it first, or take it without with --referrers auto",
        NextStep::SlowDown => "the registry limits requests: wait, log in, or lower --jobs",
        NextStep::TrustAuthority => "give the authority's certificate with --ca-file, or put it into certs.d as *.crt",
        NextStep::TrustCertificate => "give this very certificate with --ca-file, or put it into certs.d as *.crt",
        NextStep::TrustNewAuthority => "the authority was made anew: give its present certificate with --ca-file",
        NextStep::UsePlainHttp { host } => {
            return format!("if this registry serves plain HTTP, add --plain-http={host}").into();
        }
        NextStep::WriteAuthorizationValue => "write it as `Basic $(printf %s user:password | base64 -w0)`",
        // A later version of the library may know more.
        _ => "see the documentation",
    };
    words.into()
}
