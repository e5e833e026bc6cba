# openssl checks what bundle signs, and bundle what openssl signs, over the bytes that tar takes out of the bundle.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

signing=$work/signing

# openssl_verifies NAME: the signature beside the bundle, with the public key of that name.
openssl_verifies() {
  base64 -d "$signing/images.tar.sig" >"$signing/index.sig"
  case $1 in
    ed25519) openssl pkeyutl -verify -pubin -inkey "$signing/$1.pub" -rawin -in "$signing/index.json" -sigfile "$signing/index.sig" ;;
    *) openssl dgst -sha256 -verify "$signing/$1.pub" -signature "$signing/index.sig" "$signing/index.json" ;;
  esac
}

keys_of_both_sign() {
  local algorithm maker
  mkdir -p "$signing"
  cp "$fixture_bundle" "$signing/images.tar"
  tar -xOf "$signing/images.tar" index.json >"$signing/index.json"
  for algorithm in ed25519 ecdsa-p256; do
    for maker in bundle openssl; do
      rm -f "$signing/$algorithm".*
      if [[ $maker == bundle ]]; then
        BUNDLE_KEY_PASSWORD='correct horse' "$bundle" keygen --algorithm "$algorithm" "$signing/$algorithm"
        [[ $(stat -c %a "$signing/$algorithm.pem") == 600 ]] || fail "others can read the key"
      else
        (
          umask 077
          if [[ $algorithm == ed25519 ]]; then set -- ed25519; else set -- ec -pkeyopt ec_paramgen_curve:P-256; fi
          openssl genpkey -algorithm "$@" -aes-256-cbc -pass pass:'correct horse' -out "$signing/$algorithm.pem"
        )
        openssl pkey -in "$signing/$algorithm.pem" -passin pass:'correct horse' -pubout -out "$signing/$algorithm.pub"
      fi
      # Ours, which openssl checks; the key is one that it reads too.
      BUNDLE_KEY_PASSWORD='correct horse' "$bundle" sign "$signing/images.tar" --force --key "$signing/$algorithm.pem"
      openssl_verifies "$algorithm"
      # Theirs, which we check.
      if [[ $algorithm == ed25519 ]]; then
        openssl pkeyutl -sign -rawin -inkey "$signing/$algorithm.pem" -passin pass:'correct horse' -in "$signing/index.json"
      else
        openssl dgst -sha256 -sign "$signing/$algorithm.pem" -passin pass:'correct horse' "$signing/index.json"
      fi | base64 >"$signing/images.tar.sig"
      "$bundle" verify "$signing/images.tar" --require-key "$signing/$algorithm.pub"
    done
  done
}

another_index_is_refused() {
  local status=0
  { cat "$signing/index.json" && echo; } | openssl dgst -sha256 -passin pass:'correct horse' -sign "$signing/ecdsa-p256.pem" |
    base64 >"$signing/images.tar.sig"
  "$bundle" list "$signing/images.tar" --require-key "$signing/ecdsa-p256.pub" || status=$?
  [[ $status == 3 ]] || fail "status $status"
}

check "openssl checks what bundle signs, and the other way round, with keys of both" keys_of_both_sign "${base_parts[@]}" openssl
check "what openssl signed of another index.json is refused" another_index_is_refused "${base_parts[@]}" openssl
