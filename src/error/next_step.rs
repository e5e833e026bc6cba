//! `NextStep`: what a person can do about an error. Typed here, worded by whoever talks to the person:
//! only he knows which flags there are.

use std::path::PathBuf;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextStep {
    /// Give one of two images another place at the target.
    AddMapping,
    /// Put the other half of a client certificate beside it.
    AddPartner {
        /// Where it is looked for.
        file: PathBuf,
    },
    /// Let files be longer than the process may make them.
    AllowLongerFiles,
    /// Have the registry allow this media type.
    AllowMediaType,
    /// Say that an existing file may be replaced.
    AllowReplacing,
    /// Say that existing tags may be moved.
    AllowOverwriting,
    /// Have the registry allow layers with `urls`.
    AllowUrls,
    /// Check the address, and the proxy in front of the registry.
    CheckAddressAndProxy,
    /// Check this machine's clock.
    CheckClock,
    /// Check user name and password.
    CheckCredentials,
    /// Check the registry's setting of its own URL.
    CheckExternalUrl,
    /// The same, and the proxy in front of it.
    CheckExternalUrlAndProxy,
    /// Check host name and port.
    CheckHost,
    /// Check host name and line, and try again.
    CheckLine,
    /// Check the name and the tag of an image.
    CheckName,
    /// Check the rights of the account.
    CheckPermission,
    /// Check the token server that the registry names.
    CheckRealm,
    /// Check the host name against the certificate's.
    CheckServerName,
    /// Check where the registry sends clients for content.
    CheckStorageRedirect,
    /// Create the project, or whatever the first part of the path stands for.
    CreateProject {
        /// Its name.
        project: String,
    },
    /// Create the repository, or check its name.
    CreateRepository,
    /// Give the server a current TLS, or show it a client certificate.
    CurrentTlsOrClientCertificate,
    /// Delete a blob from the registry's storage.
    DeleteDamagedBlob,
    /// Delete damaged content from the registry.
    DeleteDamagedCopies,
    /// Delete a manifest from the registry's storage.
    DeleteDamagedManifest,
    /// Enable TLS 1.2 or 1.3 on the server.
    EnableTls,
    /// Find out who else writes a tag.
    FindOtherWriter,
    /// Format the drive so that it takes longer files, or export less at a time.
    FormatDrive,
    /// Free some room.
    FreeRoom,
    /// Free some room, or name another place.
    FreeRoomOrWriteElsewhere,
    /// Show the server a client certificate.
    GiveClientCertificate {
        /// The registry.
        host: String,
    },
    /// Name the unencrypted key of a client certificate.
    GiveKey,
    /// Install a credential helper, or do without it.
    InstallHelper,
    /// Export without what refers to the images.
    LeaveOutReferrers,
    /// Name a file for credentials.
    NameAuthfile,
    /// Name a file in a directory.
    NameFileInDirectory,
    /// A helper is named without `docker-credential-`.
    NameHelper,
    /// Name the file that a link points to.
    NameLinkTarget,
    /// Name a plain file.
    NamePlainFile,
    /// Name the repository of images that have none.
    NameRepository,
    /// Give the server another certificate.
    NewCertificate,
    /// One with its IP address.
    NewCertificateWithAddress,
    /// One with its name.
    NewCertificateWithName,
    /// Name the registries that have no TLS.
    NamePlainHttpHost,
    /// Pin the bundle, or images.
    Pin,
    /// See that nobody else can change a file with credentials.
    ProtectCredentialFile {
        /// The file.
        file: PathBuf,
    },
    /// Pin every image, or the bundle whole.
    PinAll,
    /// Put a layer into the registry, or do without it.
    ProvideLayer,
    /// Push to a registry that takes content: this one only reads.
    PushElsewhere,
    /// Raise the largest body that the registry takes.
    RaiseBodyLimit,
    /// Allow more memory for manifests.
    RaiseMaxManifests,
    /// Allow more room for temporary files.
    RaiseMaxSpool,
    /// A pipe can be read as standard input.
    ReadPipeAsStandardInput,
    /// Remove a tag, or the rule that protects it.
    ReleaseTag,
    /// Remove a file that others had a hand in, or export elsewhere.
    RemoveForeignFile,
    /// Repair a file with credentials, or name another.
    RepairCredentialFile,
    /// It should not happen.
    ReportBug,
    /// Do the same again.
    RunAgain,
    /// See what a credential helper says.
    RunHelper,
    /// The same, or log in again.
    RunHelperOrLogIn,
    /// Set the variable of a proxy right.
    SetProxyUrl,
    /// Sign an image first, or take it without signatures.
    SignOrTakeWithout,
    /// Say that images from there may be taken.
    AllowSource,
    /// Ask the registry less often.
    SlowDown,
    /// Trust the authority that signed a certificate.
    TrustAuthority,
    /// Trust a certificate that signed itself.
    TrustCertificate,
    /// Trust the present certificate of an authority.
    TrustNewAuthority,
    /// Talk to a registry without TLS.
    UsePlainHttp {
        /// The registry.
        host: String,
    },
    /// Write credentials as in an `Authorization` header.
    WriteAuthorizationValue,
}
