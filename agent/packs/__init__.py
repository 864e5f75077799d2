"""Policy packs as text: shown, checked, and what of each the product covers."""
