"""Why a name is blocked, and changes of the filter, tried before they are made."""
