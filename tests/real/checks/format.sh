# The format as others read its page: tests/format is a second implementation, which knows docs/format.md alone.
# shellcheck shell=bash disable=SC2154 # variables are shared with what sources this

the_format_means_the_same_to_both() {
  python3 "$root/tests/format/compare.py" "$bundle" | tee "$work/format.said"
  sed -n 's/^\(exports\|verdicts\) /note: &/p' "$work/format.said"
}

check "a second implementation, from the page alone, writes the same bytes and reads thousands of mutated files alike" \
  the_format_means_the_same_to_both "${base_parts[@]}" python3
