mod change;
mod counting;
